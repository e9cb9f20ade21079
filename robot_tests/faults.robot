*** Comments ***
SPDX-License-Identifier: Apache-2.0

*** Settings ***
Documentation     A fault or a hang of the NPU costs the job in which it happens, and nothing else.
Resource          common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Leave Machine

*** Variables ***
${PROGRAM}        ${CURDIR}/programs/outputs.py

*** Test Cases ***
A Command That The NPU Does Not Know
    Only Digits Fail    parse_error    command stream parse error

An Address That No Memory Answers
    Only Digits Fail    bus_abort    bus abort

A Stream That Never Ends
    Only Digits Fail    hang    hang: no progress within the watchdog's time

One Damaged Job Is Followed By Sound Ones
    One Job Fails    damage    command stream parse error

A Reset In The Middle Of A Segment Costs That Job
    One Job Fails    reset    hang: no progress

*** Keywords ***
Only Digits Fail
    [Documentation]    All jobs of one task fail; the others miss no deadline.
    [Arguments]    ${container}    ${because}
    Create Machine    ${MATERIAL}/${container}.hkt
    Wait For Line On Uart    failed: digits [Errno 5] EIO: net digits: ${because}
    Wait For Line On Uart    NPU cycles
    Is In Time    keyword    250
    Wait For Line On Uart    ^digits +5[01] +0 +0 +0 +0 +(49|5[01])     treatAsRegex=true
    Is In Time    detector    10

One Job Fails
    [Documentation]    The network computes the same frame rightly afterwards, and all others do.
    [Arguments]    ${cause}    ${because}
    Create Machine    ${MATERIAL}/demo.hkt    frames=${MATERIAL}/demo.frames    program=${PROGRAM}
    Interrupt The Application
    Run Program    ${PROGRAM}
    Write Line To Uart    check('digits', ${cause})
    Wait For Line On Uart    one job failed: [Errno 5] EIO: net digits: ${because}
    Wait For Line On Uart    digits: 8 of 8 outputs are right
    Wait For Line On Uart    detector: 8 of 8 outputs are right
    Wait For Line On Uart    all frames were run
