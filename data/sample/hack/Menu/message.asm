; ============================================================================
; Message box: three rows of 28 characters on BG3, printed a letter at a time.
; Control codes: $FC wait for a button, $FD keeper's name, $FE next row,
; $FF end of the message.
; ============================================================================

namespace Message

!MSG_MAP     = $5AC2      ; first text cell of the box, word address
!MSG_COLUMNS = 28
!MSG_DELAY   = 2          ; frames a letter

; Message_Open
; Entry: 16-bit A = message number. Ignored while a message is up.
Open:
{
    PHP
    SEP #$20
    PHA
    LDA.w MessageStep
    BNE .busy
    PLA
    REP #$20
    AND.w #$01FF
    STA.w MessageId
    STZ.w MessagePos
    SEP #$20
    STZ.w MessageRow
    STZ.w MessageCol
    LDA.b #$01 : STA.w MessageStep
    LDA.b #!MODE_MESSAGE : STA.b GameMode
    PLP
    RTL
.busy
    PLA
    PLP
    RTL
}

; Message_Frame: one step of the box, from the main loop.
Frame:
{
    PHP
    %ai8()
    %own_bank()
    LDA.w MessageStep
    BEQ .idle
    JSR RunStep
.idle
    PLB
    PLP
    RTL
}

RunStep:
    %dispatch(MessageStep, Steps)

Steps:
    dw Idle                 ; 0
    dw OpenBox              ; 1
    dw Print                ; 2
    dw WaitButton           ; 3
    dw CloseBox             ; 4

Idle:
    RTS

OpenBox:
    JSL Vram_QueueClear
    INC.w MessageStep
    RTS

; One letter every !MSG_DELAY frames; holding B prints two a frame.
Print:
{
    LDA.b JoyHeld+1
    BMI .fast                       ; B
    DEC.w MessageDelay
    BPL .wait
    LDA.b #!MSG_DELAY : STA.w MessageDelay
    JSR NextCharacter
.wait
    RTS
.fast
    JSR NextCharacter
    LDA.w MessageStep
    CMP.b #$02
    BNE .wait
    JSR NextCharacter
    RTS
}

; Fetches a byte and prints it or obeys it.
NextCharacter:
{
    JSR Fetch
    CMP.b #$FC
    BCS .control
    JSR PutLetter
    RTS
.control
    CMP.b #$FE
    BEQ NewRow
    CMP.b #$FD
    BEQ PutName
    LDA.b #$03 : STA.w MessageStep  ; $FC and $FF both wait for a button
    RTS
}

; A = the next byte of the message; MessagePos moves on.
Fetch:
{
    PHB
    PHK
    PLB
    REP #$30
    LDA.w MessageId
    ASL A
    TAX
    LDA.w MessagePointers,X
    CLC : ADC.w MessagePos
    TAX
    INC.w MessagePos
    SEP #$20
    LDA.w $0000,X
    SEP #$10
    PLB
    RTS
}

NewRow:
    STZ.w MessageCol
    LDA.w MessageRow
    CMP.b #$02
    BCS .scroll
    INC.w MessageRow
    RTS
.scroll
    STZ.w MessageRow                ; the box is full: start at the top again
    RTS

; The keeper's eight letters, stopping at the first space.
PutName:
{
    LDX.b #$00
.letter
    LDA.l KeeperName,X
    CMP.b #' '
    BEQ .done
    PHX
    JSR PutLetter
    PLX
    INX
    CPX.b #$08
    BCC .letter
.done
    RTS
}

; A = character. Puts it at MessageRow, MessageCol and moves on.
PutLetter:
{
    STA.b Scratch0
    STZ.b Scratch1
    LDA.w MessageRow
    STA.w WRMPYA
    LDA.b #$40                      ; two tile rows a text row
    STA.w WRMPYB
    REP #$30
    LDA.w MessageCol
    AND.w #$00FF
    CLC : ADC.w RDMPYL
    CLC : ADC.w #!MSG_MAP
    TAX
    LDA.b Scratch0
    ORA.w #$2000                    ; priority
    JSL Vram_QueueTile
    SEP #$30
    INC.w MessageCol
    LDA.w MessageCol
    CMP.b #!MSG_COLUMNS
    BCC +
    JSR NewRow
+   RTS
}

; A or B: on to the next part, or out when the last byte read was $FF.
WaitButton:
{
    LDA.b JoyNew
    BMI .pressed                    ; A
    LDA.b JoyNew+1
    BPL .wait                       ; B
.pressed
    REP #$20
    DEC.w MessagePos
    SEP #$20
    JSR Fetch
    CMP.b #$FF
    BEQ .end
    LDA.b #$02 : STA.w MessageStep
    STZ.w MessageRow
    STZ.w MessageCol
    RTS
.end
    LDA.b #$04 : STA.w MessageStep
.wait
    RTS
}

CloseBox:
    STZ.w MessageStep
    LDA.b #!MODE_OVERWORLD : STA.b GameMode
    RTS

namespace off
