; ============================================================================
; Weather: fog rolls in by the hour, wind pushes what flies and floats.
; ============================================================================

namespace Weather

; Weather_HourChange: new wind, and fog by the hour's table. From the clock.
HourChange:
{
    PHX
    JSL Rng_Next
    AND.b #$06                      ; a direction is an even number
    STA.w WindDir
    LDA.b #$03
    JSL Rng_Below
    STA.w WindForce

    LDA.w NightHour
    SEC : SBC.b #!HOUR_DUSK
    CMP.b #$08                      ; BCD: $19 is followed by $20
    BCC .no_gap
    SBC.b #$06
.no_gap
    TAX
    LDA.l FogByHour,X
    STA.w FogDensity
    JSR LiftByStory
    PLX
    RTL
}

; Thickest after midnight. Index: hours since dusk, 0 to 11.
FogByHour:
    db 2, 3, 5, 6, 8, 9, 11, 13, 15, 14, 10, 6

; Once the story has lifted the fog, never more than a haze.
LiftByStory:
{
    LDA.l StoryFlags
    AND.b #!STORY_FOG
    BEQ .still_cursed
    LDA.w FogDensity
    CMP.b #$04
    BCC .still_cursed
    LDA.b #$03 : STA.w FogDensity
.still_cursed
    RTS
}

; Weather_Update: shows FogDensity as a grey fixed colour and by mosaic.
Update:
{
    LDA.w FogDensity
    LSR A
    ORA.b #$E0                      ; all three channels
    STA.w COLDATA
    LDA.w FogDensity
    CMP.b #14
    BCC .clear_view
    LDA.b #$13                      ; two-pixel blocks on BG1 and BG2
    BRA .store
.clear_view
    LDA.b #$00
.store
    STA.w MOSAIC
    LDA.w WindForce
    CMP.b #$02
    BNE .done
    JSR PushKeeper
.done
    RTL
}

; A gale moves the keeper one pixel every fourth frame.
PushKeeper:
{
    LDA.b FrameCounter
    AND.b #$03
    BNE .done
    LDX.w WindDir
    JMP.w (.push,X)
.push
    dw .up, .down, .left, .right
.up
    REP #$20 : DEC.b KeeperY : SEP #$20
    RTS
.down
    REP #$20 : INC.b KeeperY : SEP #$20
    RTS
.left
    REP #$20 : DEC.b KeeperX : SEP #$20
    RTS
.right
    REP #$20 : INC.b KeeperX : SEP #$20
.done
    RTS
}

namespace off
