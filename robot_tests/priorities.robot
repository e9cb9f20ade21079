*** Comments ***
SPDX-License-Identifier: Apache-2.0

*** Settings ***
Documentation     Who is served first when there is more to do than the NPU has time for.
Resource          common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Leave Machine

*** Test Cases ***
Under Overload The Least Urgent Task Alone Is Late
    Create Machine    ${MATERIAL}/overload.hkt
    Wait For Line On Uart    NPU cycles
    Is In Time    keyword    250
    Is In Time    digits    100
    Wait For Line On Uart    ^detector +\\d+ +\\d+ +[1-9]\\d* +[1-9]\\d* +0 +0     treatAsRegex=true

The Urgent Task Waits For One Segment At Most And Not For A Network
    [Documentation]    A segment takes below 10 ms, the detector more than 30.
    Create Machine    ${MATERIAL}/overload.hkt
    Wait For Line On Uart    NPU cycles
    Wait For Line On Uart    ^keyword( +\\d+){9} +\\d{1,4} +\\d+$    treatAsRegex=true

A Job That Is Overrun Is Given Up Where The Application Says So
    Create Machine    ${MATERIAL}/overload_abort.hkt
    Wait For Line On Uart    NPU cycles
    Is In Time    keyword    250
    Is In Time    digits    100
    Wait For Line On Uart    ^detector +\\d+ +\\d+ +[1-9]\\d* +0 +[1-9]\\d* +0     treatAsRegex=true

Releases Of A Late Task Queue Up Where The Application Says So
    Create Machine    ${MATERIAL}/overload_queue.hkt
    Wait For Line On Uart    NPU cycles
    Is In Time    keyword    250
    Is In Time    digits    100
    Wait For Line On Uart    ^detector +\\d+ +\\d+ +[1-9]\\d* +[1-9]\\d* +0 +0     treatAsRegex=true

Priority Decides And Not The Rate
    Create Machine    ${MATERIAL}/reversed.hkt
    Wait For Line On Uart    NPU cycles
    Wait For Line On Uart    ^keyword +\\d+ +\\d+ +[1-9]\\d* +[1-9]\\d* +0 +0     treatAsRegex=true
    Is In Time    detector    100

The Same Load Is Served In Time By The Earliest Deadline
    Create Machine    ${MATERIAL}/reversed_edf.hkt
    Wait For Line On Uart    NPU cycles
    Is In Time    keyword    250
    Is In Time    digits    100
    Is In Time    detector    100

Networks That Take Turns All Come To Their End
    Create Machine    ${MATERIAL}/turns.hkt
    Wait For Line On Uart    NPU cycles
    Is In Time    keyword    167
    Is In Time    digits    84
    Is In Time    detector    56
