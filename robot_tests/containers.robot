*** Comments ***
SPDX-License-Identifier: Apache-2.0

*** Settings ***
Documentation     What is no sound container is refused before anything runs, and the prompt is there.
Resource          common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Leave Machine
Test Template     Is Refused

*** Test Cases ***              CONTAINER               BECAUSE
A Bit Of The Header             flip_header             header is corrupt \\(CRC\\)
A Bit Of The Models             flip_models             section 1 is corrupt \\(CRC\\)
A Bit Of The Regions            flip_regions            section 2 is corrupt \\(CRC\\)
A Bit Of The Tensors            flip_tensors            section 3 is corrupt \\(CRC\\)
A Bit Of The Steps              flip_steps              section 4 is corrupt \\(CRC\\)
A Bit Of The Tasks              flip_tasks              section 6 is corrupt \\(CRC\\)
A Bit Of The Plan               flip_plan               section 7 is corrupt \\(CRC\\)
A Bit Of The Strings            flip_strings            section 8 is corrupt \\(CRC\\)
A Bit Of The Command Streams    flip_streams            section 9 is corrupt \\(CRC\\)
A Bit Of The Weights            flip_data               section 10 is corrupt \\(CRC\\)
A Bit Of The Notes              flip_notes              section 11 is corrupt \\(CRC\\)
Half A Container                truncated               section \\d+ is corrupt \\(CRC\\)
Half A Header                   cut_in_header           header is corrupt \\(CRC\\)
A Later Format                  later_version           format version 2\\.\\d+, must be 1
The Other Byte Order            big_endian              no application at .*byte-swapped
A Copy As Text                  text_mode               no application at .*text-mode copy
Something Else                  noise                   no application at .*not a Hocket container
Another Number Of MACs          foreign                 NPU is Ethos-U55 with 128 MACs.*256 MACs
Another Architecture            architecture            architecture 1\\.0.*2\\.0
More Memory Than The Board      arena                   arena of \\d+ bytes, this board has \\d+

*** Keywords ***
Is Refused
    [Arguments]    ${container}    ${because}
    Create Machine    ${MATERIAL}/${container}.hkt
    Wait For Line On Uart    ${because}    treatAsRegex=true
    Wait For Prompt On Uart    >>>
