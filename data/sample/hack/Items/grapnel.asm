; ============================================================================
; Grapnel: flies out, and pulls the keeper to a hook post.
; ============================================================================

!GRAPNEL_SPEED = 6        ; pixels a frame
!GRAPNEL_REACH = 24       ; frames it flies before it turns back

; Starts the throw in the direction the keeper faces.
Grapnel_Use:
{
    LDA.w GrapnelState
    BNE .busy
    REP #$20
    LDA.b KeeperX : STA.w GrapnelX
    LDA.b KeeperY : STA.w GrapnelY
    SEP #$20
    LDA.b #$01 : STA.w GrapnelState
    LDA.b #!GRAPNEL_REACH : STA.w ItemTimer
    %sfx(!SFX_GRAPNEL)
.busy
    RTS
}

; Grapnel_Update: every frame, whatever item is on the button.
Grapnel_Update:
{
    LDA.w GrapnelState
    BEQ .coiled
    CMP.b #$02
    BEQ .pulling
    JSR Grapnel_Fly
    RTL
.pulling
    JSR Grapnel_Pull
.coiled
    RTL
}

; One step out; a post catches, a wall or the end of the rope turns it back.
Grapnel_Fly:
{
    LDA.w ItemTimer
    BEQ .coil
    LDX.b KeeperDir
    REP #$20
    LDA.w GrapnelX
    CLC : ADC.w .dx,X
    STA.w GrapnelX
    LDA.w GrapnelY
    CLC : ADC.w .dy,X
    STA.w GrapnelY
    SEP #$20
    JSR Grapnel_CellUnder
    CMP.b #$03                      ; hook post
    BEQ .caught
    CMP.b #$01                      ; wall
    BEQ .coil
    RTS
.caught
    LDA.b #$02 : STA.w GrapnelState
    RTS
.coil
    STZ.w GrapnelState
    RTS

.dx
    dw 0, 0, -!GRAPNEL_SPEED, !GRAPNEL_SPEED
.dy
    dw -!GRAPNEL_SPEED, !GRAPNEL_SPEED, 0, 0
}

; A = the RoomSolid byte under the hook. 64 cells of 16 pixels a row.
Grapnel_CellUnder:
{
    REP #$30
    LDA.w GrapnelY
    AND.w #$03F0
    ASL A : ASL A                   ; (y / 16) * 64
    STA.b Scratch0
    LDA.w GrapnelX
    LSR A : LSR A : LSR A : LSR A
    AND.w #$003F
    ORA.b Scratch0
    TAX
    SEP #$20
    LDA.l RoomSolid,X
    SEP #$10
    RTS
}

; Halves the distance to the post every frame; close enough is there.
Grapnel_Pull:
{
    REP #$20
    LDA.w GrapnelX
    SEC : SBC.b KeeperX
    CMP.w #$8000
    ROR A
    STA.b Scratch0
    CLC : ADC.b KeeperX
    STA.b KeeperX
    LDA.w GrapnelY
    SEC : SBC.b KeeperY
    CMP.w #$8000
    ROR A
    STA.b Scratch2
    CLC : ADC.b KeeperY
    STA.b KeeperY
    LDA.b Scratch0
    ORA.b Scratch2
    BEQ .there
    SEP #$20
    RTS
.there
    SEP #$20
    STZ.w GrapnelState
    RTS
}
