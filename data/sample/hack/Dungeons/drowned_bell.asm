; ============================================================================
; The Drowned Bell, boss of the belfry (room 7).
; It swings; every fourth stroke calls a wraith. Only the foghorn, blown while
; the bell is at the end of its swing, cracks it. Six cracks silence it.
; ============================================================================

!BELL_CRACKS = 6
!BELL_END    = $38        ; swing phase window that counts as the end

; Bell_Update: from Sprite_UpdateBell. X = slot.
Bell_Update:
{
    PHB
    PHK
    PLB
    LDA.w BellHits
    CMP.b #!BELL_CRACKS
    BCS .silent
    JSR Bell_Swing
    JSR Bell_Stroke
.silent
    PLB
    RTL
}

; x = middle of the room plus 48 * sin(phase). Faster with every crack.
Bell_Swing:
{
    LDA.w BellHits
    CLC : ADC.b #$02
    CLC : ADC.w BellSwing
    STA.w BellSwing
    JSL Math_Sine
    STA.b Scratch0
    CMP.b #$80
    ROR A                           ; sin / 2
    CLC : ADC.b #$80
    STA.w SprXLo,X
    RTS
}

; At phase 0 the clapper strikes.
Bell_Stroke:
{
    LDA.w BellSwing
    CMP.b #$08
    BCS .quiet
    LDA.w SprTimerA,X
    BNE .quiet
    LDA.b #60 : STA.w SprTimerA,X
    %sfx(!SFX_BELL)
    INC.w SprMiscA,X
    LDA.w SprMiscA,X
    AND.b #$03
    BNE .quiet
    JSR Bell_CallWraith
.quiet
    RTS
}

; A wraith at the bell's mouth, and thicker fog, up to 12.
Bell_CallWraith:
{
    LDA.w SprXLo,X : STA.b Scratch0
    LDA.w SprXHi,X : STA.b Scratch1
    LDA.w SprYLo,X
    CLC : ADC.b #$20
    STA.b Scratch2
    LDA.w SprYHi,X
    ADC.b #$00
    STA.b Scratch3
    LDA.b #!TYPE_WRAITH
    JSL Sprite_Spawn
    LDA.w FogDensity
    CMP.b #12
    BCS .thick
    INC.w FogDensity
.thick
    RTS
}

; Bell_HearHorn
; Called by the foghorn. Cracks the bell when the swing is at its end, that is
; when the phase is within the window around $40 or $C0.
Bell_HearHorn:
{
    LDA.w RoomFlags
    AND.b #$04                      ; boss room?
    BEQ .deaf
    LDA.w BellSwing
    AND.b #$7F
    CMP.b #!BELL_END
    BCC .deaf
    CMP.b #!BELL_END+$10
    BCS .deaf
    INC.w BellHits
    LDA.w BellHits
    CMP.b #!BELL_CRACKS
    BNE .deaf
    JSR Bell_Silence
.deaf
    RTL
}

Bell_Silence:
    %set_flag(StoryFlags, !STORY_BELL)
    STZ.w FogDensity
    %music(!SONG_FADE)
    REP #$20
    LDA.w #$0009
    JSL Message_Open
    SEP #$20
    RTS
