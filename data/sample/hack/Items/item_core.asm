; ============================================================================
; Items: the Y button.
; ============================================================================

; Item_Use: every frame Y is checked; the chosen item decides what happens.
Item_Use:
{
    PHP
    %ai8()
    %own_bank()
    LDA.w ItemTimer
    BEQ .ready
    DEC.w ItemTimer
    BRA .out
.ready
    LDA.b JoyNew+1
    AND.b #$40                      ; Y
    BEQ .out
    LDA.w ItemSelected
    CMP.b #$06
    BCS .out
    JSR Item_Call
.out
    JSL Grapnel_Update
    PLB
    PLP
    RTL
}

Item_Call:
    ASL A
    TAX
    JMP.w (ItemHandlers,X)

ItemHandlers:
    dw Item_None
    dw Lantern_Use          ; 1
    dw Foghorn_Use          ; 2
    dw Grapnel_Use          ; 3
    dw Boat_UseOars         ; 4
    dw Glass_Use            ; 5

Item_None:
    RTS

; Storm glass: sounds the fog as one of four tones, costs nothing.
Glass_Use:
    LDA.b #60 : STA.w ItemTimer
    LDA.w FogDensity
    LSR A : LSR A
    CLC : ADC.b #!SFX_GLASS         ; four tones, low to high
    STA.w SfxRequest
    RTS

; Item_Give: A = bit of ItemFlags. For chests and NPCs.
Item_Give:
    STA.b Scratch0
    LDA.l ItemFlags
    ORA.b Scratch0
    STA.l ItemFlags
    RTL
