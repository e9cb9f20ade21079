*** Comments ***
SPDX-License-Identifier: Apache-2.0

*** Settings ***
Documentation     The image boots, with an application and without.
Resource          common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Leave Machine

*** Test Cases ***
Without An Application It Says So And Offers A Prompt
    Create Machine    ${MATERIAL}/empty.bin
    Wait For Line On Uart    no application at 0x70000000
    Wait For Prompt On Uart    >>>

An Application Starts By Itself
    Create Machine    ${MATERIAL}/demo.hkt
    Wait For Line On Uart    ^task +jobs +done +miss    treatAsRegex=true
