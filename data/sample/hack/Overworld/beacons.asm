; ============================================================================
; The five beacons. A beacon is lit with the lantern and 32 drops of oil.
; ============================================================================

!BEACON_COUNT = 5
!BEACON_OIL   = 32

; Beacon_TryLight
; Entry: A = beacon 0-4. Exit: carry clear when it burns now.
Beacon_TryLight:
{
    PHB
    PHK
    PLB
    TAX
    LDA.l BeaconFlags
    AND.w Beacon_Bits,X
    BNE .burning
    LDA.w LampState
    BEQ .cannot
    REP #$20
    LDA.w LampOil
    SEC : SBC.w #!BEACON_OIL
    BCC .no_oil
    STA.w LampOil
    SEP #$20
    LDA.l BeaconFlags
    ORA.w Beacon_Bits,X
    STA.l BeaconFlags
    %sfx(!SFX_LAMP_ON)
    JSR Beacon_CheckStory
.burning
    PLB
    CLC
    RTL
.no_oil
    SEP #$20
.cannot
    PLB
    SEC
    RTL
}

; The north beacon is a story step; all five lift the fog.
Beacon_CheckStory:
{
    LDA.l BeaconFlags
    AND.b #$01
    BEQ .not_north
    %set_flag(StoryFlags, !STORY_NORTH)
.not_north
    LDA.l BeaconFlags
    CMP.b #$1F
    BNE .not_all
    %set_flag(StoryFlags, !STORY_FOG)
    REP #$20
    LDA.w #$0003
    JSL Message_Open
    SEP #$20
.not_all
    RTS
}

; Beacon_Count: A = how many burn.
Beacon_Count:
{
    LDA.l BeaconFlags
    LDY.b #$00
.bit
    LSR A
    BCC +
    INY
+   CMP.b #$00
    BNE .bit
    TYA
    RTL
}

Beacon_Bits:
    db $01, $02, $04, $08, $10

; Where each beacon stands: area, x / 4, y / 4
Beacon_Places:
    db 8, $80, $10          ; north, on the lighthouse rock
    db 2, $58, $70          ; reef
    db 10, $C0, $40         ; mill
    db 15, $70, $20         ; chapel
    db 18, $90, $88         ; wreck
