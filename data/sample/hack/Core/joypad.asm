; ============================================================================
; Joypad 1
; ============================================================================

; Joypad_Read
; Fills JoyHeld and JoyNew. Call once a frame, after auto-read is done.
Joypad_Read:
{
    SEP #$20
.busy
    LDA.w HVBJOY
    LSR A                           ; bit 0: auto-read still running
    BCS .busy

    REP #$20
    LDA.b JoyHeld
    EOR.w #$FFFF                    ; buttons that were up
    AND.w JOY1L                     ; and are down now
    STA.b JoyNew
    LDA.w JOY1L
    STA.b JoyHeld
    SEP #$20
    RTL
}

; Repeats a held direction for menus: every 8th frame counts as a new press.
; Exit: 16-bit copy of JoyNew in Scratch0, with repeated directions added.
Joypad_Repeat:
{
    REP #$20
    LDA.b JoyNew
    STA.b Scratch0
    LDA.b FrameCounter
    AND.w #$0007
    BNE .done
    LDA.b JoyHeld
    AND.w #!JOY_UP|!JOY_DOWN|!JOY_LEFT|!JOY_RIGHT
    ORA.b Scratch0
    STA.b Scratch0
.done
    SEP #$20
    RTL
}

; A = direction from the pad as !DIR_*, carry set when none is held.
Joypad_ToDirection:
{
    LDA.b JoyHeld+1
    AND.b #$0F
    TAX
    LDA.l .directions,X
    BMI .none
    CLC
    RTL
.none
    SEC
    RTL

; indexed by the bits up-down-left-right; $FF where the pad says nothing useful
.directions
    db $FF, !DIR_RIGHT, !DIR_LEFT, $FF
    db !DIR_DOWN, !DIR_DOWN, !DIR_DOWN, !DIR_DOWN
    db !DIR_UP, !DIR_UP, !DIR_UP, !DIR_UP
    db $FF, !DIR_RIGHT, !DIR_LEFT, $FF
}
