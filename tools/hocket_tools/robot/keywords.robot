*** Comments ***
SPDX-License-Identifier: Apache-2.0
What Renode's own keyword file is to renode-test, on the emulators that Hocket drives itself.

*** Settings ***
Library    hocket_tools.robot.keywords.RenodeKeywords    ${BACK_END}
