; ============================================================================
; Rowboat: needs the oars, floats above low water, drifts with the wind.
; ============================================================================

!BOAT_MIN_TIDE = $20      ; below this it lies on the sand

; The oars on the Y button: step in or out.
Boat_UseOars:
{
    LDA.b #30 : STA.w ItemTimer
    LDA.w BoatState
    CMP.b #$01
    BEQ .step_out
    LDA.b #!BOAT_MIN_TIDE
    JSL Tide_IsAbove
    BCC .aground
    LDA.b #$01 : STA.w BoatState
    LDA.b #!KEEPER_ROW : STA.b KeeperState
    RTS
.step_out
    STZ.w BoatState
    STZ.b KeeperState
    RTS
.aground
    %sfx(!SFX_ERROR)
    RTS
}

; Boat_Update: aboard, the wind adds to the keeper's speed; at low water the
; boat strands and puts him ashore.
Boat_Update:
{
    LDA.w BoatState
    CMP.b #$01
    BNE .out
    LDA.b #!BOAT_MIN_TIDE
    JSL Tide_IsAbove
    BCC .strand
    JSR Boat_Drift
.out
    RTL
.strand
    STZ.w BoatState
    STZ.b KeeperState
    %sfx(!SFX_SPLASH)
    RTL
}

; WindForce pixels per 1/16 second, along WindDir.
Boat_Drift:
{
    LDA.w WindForce
    ASL A : ASL A
    STA.b Scratch0
    LDX.w WindDir
    CPX.b #!DIR_LEFT
    BEQ .west
    CPX.b #!DIR_RIGHT
    BNE .done
    LDA.b KeeperVelX
    CLC : ADC.b Scratch0
    STA.b KeeperVelX
    RTS
.west
    LDA.b KeeperVelX
    SEC : SBC.b Scratch0
    STA.b KeeperVelX
.done
    RTS
}

; Never called: an older version let the boat sink in a gale and reset the
; tide so that the player could walk home. It was no fun.
Boat_Sink:
    LDA.b #$02 : STA.w BoatState
    JSL Tide_Reset
    RTL
