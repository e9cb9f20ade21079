*** Comments ***
SPDX-License-Identifier: Apache-2.0

*** Settings ***
Documentation     Many jobs in a row, in virtual time: nothing is lost, and nothing drifts.
Resource          common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Leave Machine

*** Test Cases ***
Twenty Seconds Under Load
    Run For    demo    20
    Is In Time    keyword    1000
    Is In Time    digits    200
    Is In Time    detector    40

Two Minutes Under Load
    [Tags]    slow
    Run For    demo    120
    Is In Time    keyword    6000
    Is In Time    digits    1200
    Is In Time    detector    240

Past The Wrap Of The Clock
    [Documentation]    time.ticks_us() wraps at 2^30, after 17.9 minutes.
    [Tags]    slow
    Run For    sparse    1100
    Is In Time    keyword    1100
    Is In Time    digits    550
    Is In Time    detector    220

*** Keywords ***
Run For
    [Documentation]    The default application with one report, at the end.
    [Arguments]    ${container}    ${seconds}
    ${timeout}=    Evaluate    ${seconds} + 5
    Create Machine    ${MATERIAL}/${container}.hkt    timeout=${timeout}
    Interrupt The Application
    Write Line To Uart    import main; main.REPORT_US = ${seconds} * 1000000; main.main(reports=1)
    Wait For Line On Uart    NPU cycles
