*** Comments ***
SPDX-License-Identifier: Apache-2.0

*** Settings ***
Documentation     The image boots, and the prompt on the UART knows Hocket.
Resource          common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Test Teardown

*** Variables ***
${NOTHING}        ${BUILD}/robot/empty.bin

*** Test Cases ***
Without An Application It Says So And Offers A Prompt
    Create Machine    ${NOTHING}
    Wait For Line On Uart    no application at 0x70000000
    Wait For Prompt On Uart    >>>

The Prompt Computes
    Create Machine    ${NOTHING}
    Wait For Prompt On Uart    >>>
    Write Line To Uart    6 * 7
    Wait For Line On Uart    42

The Prompt Imports Hocket
    Create Machine    ${NOTHING}
    Wait For Prompt On Uart    >>>
    Write Line To Uart    import hocket; print(hocket.Kernel)
    Wait For Line On Uart    class 'Kernel'
