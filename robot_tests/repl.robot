*** Comments ***
SPDX-License-Identifier: Apache-2.0

*** Settings ***
Documentation     The prompt of MicroPython on the UART, before, instead of and after the application.
Resource          common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Leave Machine

*** Test Cases ***
The Prompt Computes
    Create Machine    ${MATERIAL}/empty.bin
    Wait For Prompt On Uart    >>>
    Write Line To Uart    6 * 7
    Wait For Line On Uart    42

The Prompt Imports Hocket
    Create Machine    ${MATERIAL}/empty.bin
    Wait For Prompt On Uart    >>>
    Write Line To Uart    import hocket; print(hocket.Kernel)
    Wait For Line On Uart    class 'Kernel'

A Function Of Several Lines Is Defined And Called
    Create Machine    ${MATERIAL}/empty.bin
    Wait For Prompt On Uart    >>>
    Write Line To Uart    def square(n):
    Write Line To Uart    return n * n
    Leave The Block
    Write Line To Uart    square(12)
    Wait For Line On Uart    144

An Error Is Told And The Prompt Stays
    Create Machine    ${MATERIAL}/empty.bin
    Wait For Prompt On Uart    >>>
    Write Line To Uart    1 // 0
    Wait For Line On Uart    ZeroDivisionError
    Write Line To Uart    import nowhere
    Wait For Line On Uart    ImportError: no module named 'nowhere'
    Write Line To Uart    hocket
    Wait For Line On Uart    NameError
    Wait For Prompt On Uart    >>>

The Prompt Reads The Registers Of The NPU
    Create Machine    ${MATERIAL}/empty.bin
    Wait For Prompt On Uart    >>>
    Write Line To Uart    import board, machine; hex(machine.mem32[board.NPU_BASE] & 0xffffffff)
    Wait For Line On Uart    0x10066001

Ctrl-C Stops The Application And Leaves It To Be Looked At
    Create Machine    ${MATERIAL}/demo.hkt
    Interrupt The Application
    Write Line To Uart    import hocket; app = hocket.load(0x70000000)
    Write Line To Uart    [(task.name, task.priority) for task in app.tasks]
    Wait For Line On Uart    [('keyword', 0), ('digits', 1), ('detector', 2)]

A Stopped Application Starts Again From The Prompt
    Create Machine    ${MATERIAL}/demo.hkt
    Interrupt The Application
    Write Line To Uart    import main; main.main(reports=1)
    Is In Time    keyword    250
    Wait For Prompt On Uart    >>>

A Network Runs At The Prompt
    Create Machine    ${MATERIAL}/demo.hkt
    Interrupt The Application
    Write Line To Uart    import hocket; kernel = hocket.Kernel(hocket.load(0x70000000))
    Write Line To Uart    async def once(net):
    Write Line To Uart    await net.infer()
    Write Line To Uart    print('inferred by', net.name)
    Write Line To Uart    kernel.stop()
    Leave The Block
    Write Line To Uart    kernel.every('digits')(once); kernel.run()
    Wait For Line On Uart    inferred by digits
    Wait For Prompt On Uart    >>>

A Soft Reset Starts The Application Anew
    Create Machine    ${MATERIAL}/demo.hkt
    Interrupt The Application
    Send Key To Uart    0x04
    Wait For Line On Uart    soft reboot
    Is In Time    keyword    250

*** Keywords ***
Leave The Block
    [Documentation]    The prompt indents by itself; empty lines take that back and end the block.
    FOR    ${_}    IN RANGE    3
        Write Line To Uart    ${EMPTY}    waitForEcho=false
    END
