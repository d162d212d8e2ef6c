; ============================================================================
; The night clock: one game minute every 30 frames, BCD, from 18:00 to 29:59
; (05:59 in the morning). Dawn ends the watch.
; ============================================================================

!MINUTE_FRAMES = 30
!HOUR_DUSK     = $18
!HOUR_DAWN     = $30

; Clock_Start: dusk. Called by the keeper's ledger when the player signs in.
Clock_Start:
    LDA.b #!HOUR_DUSK : STA.w NightHour
    STZ.w NightMinute
    LDA.b #!MINUTE_FRAMES : STA.w MinuteTimer
    RTL

; Clock_Update
; Once a frame. Burns oil every minute, changes the weather every hour.
Clock_Update:
{
    DEC.w MinuteTimer
    BNE .done
    LDA.b #!MINUTE_FRAMES : STA.w MinuteTimer
    JSL Lantern_BurnOil

    SED
    LDA.w NightMinute
    CLC : ADC.b #$01
    STA.w NightMinute
    CLD
    CMP.b #$60
    BCC .done

    STZ.w NightMinute
    SED
    LDA.w NightHour
    CLC : ADC.b #$01
    STA.w NightHour
    CLD
    JSL Weather_HourChange
    LDA.b GameMode
    CMP.b #!MODE_OVERWORLD          ; dungeons keep their own song
    BNE .same_song
    JSL Music_ForHour
.same_song
    LDA.w NightHour
    CMP.b #!HOUR_DAWN
    BCC .done
    JSR Clock_Dawn
.done
    RTL
}

; The watch is over: count the night, darken the sky once, start the harbor song.
Clock_Dawn:
{
    REP #$20
    LDA.l NightCount
    INC A
    BEQ .full                       ; 65,535 nights are enough for anyone
    STA.l NightCount
.full
    SEP #$20
    JSL Palette_Darken
    %music(!SONG_HARBOR)
    JSL Clock_Start
    RTS
}

; Writes the time as four digits for the HUD.
; Entry: 16-bit X = VRAM word address of the first digit. Exit: 8-bit A.
Clock_DrawHud:
{
    SEP #$20
    LDA.w NightHour
    CMP.b #$24
    BCC .evening
    SED
    SEC : SBC.b #$24                ; 29 -> 05
    CLD
.evening
    JSR Clock_DrawPair
    INX                             ; the colon is part of the frame
    LDA.w NightMinute
    JSR Clock_DrawPair
    SEP #$20
    RTL
}

; Two BCD digits of A at X, which moves on by two.
Clock_DrawPair:
    PHA
    LSR A : LSR A : LSR A : LSR A
    JSR Clock_DrawDigit
    PLA
    AND.b #$0F

; falls through: the low digit

; A = 0 to 9, X = word address. Uses the HUD font at tile $20.
Clock_DrawDigit:
    PHP
    REP #$30
    AND.w #$000F
    ORA.w #$2420                    ; palette 1, priority
    JSL Vram_QueueTile
    INX
    PLP
    RTS
