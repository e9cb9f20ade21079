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
    Is Complete    keyword    1000    (999|1000)
    Is Complete    digits    200    (199|200)
    Is Complete    detector    40    (39|40)

Two Minutes Under Load
    [Tags]    slow
    Run For    demo    120
    Is Complete    keyword    6000    (5999|6000)
    Is Complete    digits    1200    (1199|1200)
    Is Complete    detector    240    (239|240)

Past The Wrap Of The Clock
    [Documentation]    time.ticks_us() wraps at 2^30, after 17.9 minutes.
    [Tags]    slow
    Run For    sparse    1100
    Is Complete    keyword    110[01]    1100
    Is Complete    digits    55[01]    550
    Is Complete    detector    22[01]    220

*** Keywords ***
Run For
    [Documentation]    The default application with one report, at the end.
    [Arguments]    ${container}    ${seconds}
    ${timeout}=    Evaluate    ${seconds} + 5
    Create Machine    ${MATERIAL}/${container}.hkt    timeout=${timeout}
    Interrupt The Application
    Write Line To Uart    import main; main.REPORT_US = ${seconds} * 1000000; main.main(reports=1)
    Wait For Line On Uart    NPU cycles

Is Complete
    [Documentation]    As many jobs as there were periods, done but for one under way, none late.
    [Arguments]    ${task}    ${jobs}    ${completed}
    Wait For Line On Uart    ^${task} +${jobs} +${completed} +0 +0 +0 +0     treatAsRegex=true
