*** Comments ***
SPDX-License-Identifier: Apache-2.0

*** Settings ***
Documentation     Networks take turns on one NPU: none is late, and every output is right.
Resource          common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Leave Machine

*** Variables ***
${PROGRAM}        ${CURDIR}/programs/outputs.py

*** Test Cases ***
Every Task Runs At Its Own Rate
    Create Machine    ${MATERIAL}/demo.hkt
    Wait For Line On Uart    NPU cycles
    Is In Time    keyword    250
    Is In Time    digits    50
    Is In Time    detector    10

No Deadline Is Missed In Segments
    Create Machine    ${MATERIAL}/demo.hkt
    Should Not Be On Uart    deadline missed    timeout=4.9

Whole Networks Make The Urgent One Late
    Create Machine    ${MATERIAL}/whole.hkt
    Wait For Line On Uart    deadline missed: keyword

Three Networks Compute On The Device What The Reference Computes
    Create Machine    ${MATERIAL}/demo.hkt    frames=${MATERIAL}/demo.frames    program=${PROGRAM}
    Interrupt The Application
    Run Program    ${PROGRAM}
    Write Line To Uart    check()
    Wait For Line On Uart    keyword: 8 of 8 outputs are right
    Wait For Line On Uart    digits: 8 of 8 outputs are right
    Wait For Line On Uart    detector: 8 of 8 outputs are right
    Wait For Line On Uart    all frames were run

Published Networks See What Is On Photographs And Scans
    Create Machine    ${MATERIAL}/published.hkt    frames=${MATERIAL}/published.frames    program=${PROGRAM}
    Interrupt The Application
    Run Program    ${PROGRAM}
    Write Line To Uart    check()
    Wait For Line On Uart    seven: 8 of 8 outputs are right
    Wait For Line On Uart    person: 8 of 8 outputs are right
    Wait For Line On Uart    nobody: 8 of 8 outputs are right
    Wait For Line On Uart    all frames were run
