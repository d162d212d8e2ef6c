; ============================================================================
; The cistern's sluice: a gate that opens at low water only and drains the
; room for good.
; ============================================================================

!SLUICE_FRAMES = 16       ; frames a gate step

; Sluice_TurnWheel: the keeper lifts the wheel. Message $08 above mid tide.
Sluice_TurnWheel:
{
    LDA.w SluiceState
    BNE .done
    LDA.b #!TIDE_MID
    JSL Tide_IsAbove
    BCS .too_high
    INC.w SluiceState
    LDA.b #!SLUICE_FRAMES : STA.w SluiceTimer
    %sfx(!SFX_SLUICE)
    RTL
.too_high
    REP #$20
    LDA.w #$0008
    JSL Message_Open
    SEP #$20
.done
    RTL
}

; Sluice_Update: state 1 lowers the water by four pixels a step.
Sluice_Update:
{
    LDA.w SluiceState
    CMP.b #$01
    BNE .idle
    DEC.w SluiceTimer
    BNE .idle
    LDA.b #!SLUICE_FRAMES : STA.w SluiceTimer
    REP #$20
    LDA.w RoomWater
    CLC : ADC.w #$0004
    STA.w RoomWater
    CMP.w #$01F0
    SEP #$20
    BCC .idle
    JSR Sluice_Finish
.idle
    RTL
}

; Open: the flood bit goes, the story knows, both cistern doors open.
Sluice_Finish:
    LDA.b #$02 : STA.w SluiceState
    LDA.w RoomFlags
    AND.b #$FE
    STA.w RoomFlags
    %set_flag(StoryFlags, !STORY_CISTERN)
    LDA.w DoorMask
    ORA.b #$03
    STA.w DoorMask
    JSL Sluice_DryFloor
    RTS

; Rewrites the solid map along the old water line so that the keeper can walk
; the floor that was under water.
Sluice_DryFloor:
{
    PHP
    REP #$10
    SEP #$20
    LDX.w #$0FFF
.cell
    LDA.l RoomSolid,X
    CMP.b #$02
    BNE .next
    LDA.b #$00
    STA.l RoomSolid,X
.next
    DEX
    BPL .cell
    PLP
    RTL
}
