*** Comments ***
SPDX-License-Identifier: Apache-2.0

*** Settings ***
Documentation     Three networks take turns on one NPU, and none is late.
Resource          common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Test Teardown

*** Variables ***
${DEMO}           ${BUILD}/robot/demo.hkt
${WHOLE}          ${BUILD}/robot/whole.hkt

*** Test Cases ***
Every Task Runs At Its Own Rate
    Create Machine    ${DEMO}
    Wait For Line On Uart    NPU cycles
    ${keyword}=    Wait For Line On Uart    ^keyword +250 +2(49|50) +0 +0 +0 +0     treatAsRegex=true
    ${digits}=     Wait For Line On Uart    ^digits +50 +(49|50) +0 +0 +0 +0     treatAsRegex=true
    ${detector}=   Wait For Line On Uart    ^detector +10 +(9|10) +0 +0 +0 +0     treatAsRegex=true

No Deadline Is Missed In Segments
    Create Machine    ${DEMO}
    Should Not Be On Uart    deadline missed    timeout=4.9

Whole Networks Make The Urgent One Late
    Create Machine    ${WHOLE}
    Wait For Line On Uart    deadline missed: keyword
