*** Comments ***
SPDX-License-Identifier: Apache-2.0

*** Settings ***
Documentation     What is no sound container is refused before anything runs.
Resource          common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Test Teardown

*** Variables ***
${CORRUPT}        ${BUILD}/robot/corrupt.hkt
${FOREIGN}        ${BUILD}/robot/foreign.hkt

*** Test Cases ***
A Corrupt Container Is Refused And The Prompt Is There
    Create Machine    ${CORRUPT}
    Wait For Line On Uart    ValueError: .*corrupt    treatAsRegex=true
    Wait For Prompt On Uart    >>>

A Container For Another NPU Is Refused
    Create Machine    ${FOREIGN}
    Wait For Line On Uart    ValueError: .*MAC    treatAsRegex=true
    Wait For Prompt On Uart    >>>
