; ============================================================================
; Sprite engine: sixteen slots, one array per property.
; In every routine of this bank X is the slot, 8-bit, and must be kept.
; ============================================================================

namespace Sprite

; Health, flags, drop chance (of 256), update routine
Table:
    %sprite_row($00, $01, $00, UpdateNothing)
    %sprite_row($01, $04, $20, Gull_Update)
    %sprite_row($02, $06, $40, Moth_Update)
    %sprite_row($03, $00, $30, Crab_Update)
    %sprite_row($06, $06, $80, Wraith_Update)
    %sprite_row($01, $09, $00, Ferryman_Update)
    %sprite_row($30, $08, $00, UpdateBell)
    %sprite_row($01, $01, $00, UpdateOilDrop)

; Sprite_RunAll
; Once a frame, from the base game's sprite loop. Runs every slot in use.
RunAll:
{
    PHP
    %ai8()
    %own_bank()
    STZ.w OamIndex
    LDX.b #!SPRITE_SLOTS-1
.slot
    LDA.w SprState,X
    BEQ .free
    JSR RunOne
.free
    DEX
    BPL .slot
    PLB
    PLP
    RTL
}

; One slot: timers, then what its state says.
RunOne:
{
    LDA.w SprTimerA,X
    BEQ .a_done
    DEC.w SprTimerA,X
.a_done
    LDA.w SprTimerB,X
    BEQ .b_done
    DEC.w SprTimerB,X
.b_done
    LDA.w SprState,X
    CMP.b #!SPR_INIT
    BNE .not_new
    JSR InitSlot
.not_new
    CMP.b #!SPR_DYING
    BEQ .dying
    CMP.b #!SPR_STUNNED
    BEQ .stunned
    JSR CallUpdate
    JSR Despawn
    RTS

.dying
    LDA.w SprTimerA,X
    BNE .still
    STZ.w SprState,X
    JSR DropOil
.still
    RTS

.stunned
    LDA.w SprTimerA,X
    BNE .still
    LDA.b #!SPR_ACTIVE
    STA.w SprState,X
    RTS
}

; Fills a new slot from Table. Returns A = !SPR_ACTIVE, as RunOne expects.
InitSlot:
{
    JSR RowOffset
    LDA.w Table+SpriteRow.Health,Y
    STA.w SprHealth,X
    LDA.w Table+SpriteRow.Flags,Y
    STA.w SprFlags,X
    STZ.w SprSubX,X
    STZ.w SprSubY,X
    STZ.w SprFrame,X
    STZ.w SprMiscA,X
    STZ.w SprMiscB,X
    LDA.b #!SPR_ACTIVE
    STA.w SprState,X
    RTS
}

; Y = SprType * 6, the row's offset in Table. Loses A.
RowOffset:
    LDA.w SprType,X
    ASL A
    STA.b Scratch0
    ASL A
    CLC : ADC.b Scratch0
    TAY
    RTS

; Jumps to the creature's routine by pushing its address: JSR (table,X) would
; cost X, which holds the slot.
CallUpdate:
    JSR RowOffset
    REP #$20
    LDA.w Table+SpriteRow.Update,Y
    DEC A                           ; RTS adds one
    PHA
    SEP #$20
    RTS                             ; to the routine, whose RTS ends RunOne's JSR

UpdateNothing:
    STZ.w SprState,X
    RTS

; Sprite_Spawn
; Entry: A = type, Scratch0/1 = x, Scratch2/3 = y, 8-bit A and index.
; Exit: carry clear and Y = slot, or carry set when all sixteen are taken.
; Keeps X.
Spawn:
{
    STA.b Scratch4
    LDY.b #!SPRITE_SLOTS-1
.find
    LDA.w SprState,Y
    BEQ .found
    DEY
    BPL .find
    SEC
    RTL
.found
    LDA.b Scratch4 : STA.w SprType,Y
    LDA.b #!SPR_INIT : STA.w SprState,Y
    LDA.b Scratch0 : STA.w SprXLo,Y
    LDA.b Scratch1 : STA.w SprXHi,Y
    LDA.b Scratch2 : STA.w SprYLo,Y
    LDA.b Scratch3 : STA.w SprYHi,Y
    LDA.b #$00
    STA.w SprVelX,Y
    STA.w SprVelY,Y
    STA.w SprTimerA,Y
    STA.w SprTimerB,Y
    CLC
    RTL
}

; Sprite_MoveX: adds the velocity, 1/16 pixel, to the 8.8 position.
MoveX:
{
    LDA.w SprVelX,X
    ASL A : ASL A : ASL A : ASL A
    CLC : ADC.w SprSubX,X
    STA.w SprSubX,X
    PHP                             ; carry into the whole pixels
    LDA.w SprVelX,X
    LSR A : LSR A : LSR A : LSR A
    CMP.b #$08
    BCC .right
    ORA.b #$F0                      ; sign
    LDY.b #$FF
    BRA .add
.right
    LDY.b #$00
.add
    PLP
    ADC.w SprXLo,X
    STA.w SprXLo,X
    TYA
    ADC.w SprXHi,X
    STA.w SprXHi,X
    RTS
}

; Sprite_MoveY: the same for y.
MoveY:
{
    LDA.w SprVelY,X
    ASL A : ASL A : ASL A : ASL A
    CLC : ADC.w SprSubY,X
    STA.w SprSubY,X
    PHP
    LDA.w SprVelY,X
    LSR A : LSR A : LSR A : LSR A
    CMP.b #$08
    BCC .down
    ORA.b #$F0
    LDY.b #$FF
    BRA .add
.down
    LDY.b #$00
.add
    PLP
    ADC.w SprYLo,X
    STA.w SprYLo,X
    TYA
    ADC.w SprYHi,X
    STA.w SprYHi,X
    RTS
}

; Scratch0/1 = keeper x - sprite x, Scratch2/3 = keeper y - sprite y, 16-bit.
DeltaToKeeper:
    LDA.b KeeperX
    SEC : SBC.w SprXLo,X
    STA.b Scratch0
    LDA.b KeeperX+1
    SBC.w SprXHi,X
    STA.b Scratch1
    LDA.b KeeperY
    SEC : SBC.w SprYLo,X
    STA.b Scratch2
    LDA.b KeeperY+1
    SBC.w SprYHi,X
    STA.b Scratch3
    RTS

; Sprite_IsNear: carry clear when the keeper is within A pixels (Chebyshev).
IsNear:
{
    STA.b Scratch4
    STZ.b Scratch5
    JSR DeltaToKeeper
    PHX
    REP #$30
    JSL Math_Distance
    CMP.b Scratch4
    SEP #$30
    PLX                             ; PLX changes N and Z, not carry
    RTS
}

; Hurts the keeper when he touches the sprite and neither is harmless.
TouchKeeper:
{
    LDA.w SprFlags,X
    AND.b #!SPRFLAG_HARMLESS
    BNE .no
    LDA.b KeeperHurt
    BNE .no
    LDA.b #12
    JSR IsNear
    BCS .no
    PHX
    LDA.b #$01                      ; half a heart
    JSL Vanilla_HurtKeeper
    PLX
.no
    RTS
}

; Sprite_Damage
; Entry: A = hits, X = slot. Called by the items.
Damage:
{
    STA.b Scratch4
    LDA.w SprState,X
    CMP.b #!SPR_DYING
    BEQ .done
    LDA.w SprHealth,X
    SEC : SBC.b Scratch4
    BEQ .dead
    BCC .dead
    STA.w SprHealth,X
    LDA.b #!SPR_STUNNED : STA.w SprState,X
    LDA.b #24 : STA.w SprTimerA,X
    RTL
.dead
    STZ.w SprHealth,X
    LDA.b #!SPR_DYING : STA.w SprState,X
    LDA.b #32 : STA.w SprTimerA,X
.done
    RTL
}

; Frees a slot that is more than 64 pixels off the screen, unless anchored.
Despawn:
{
    LDA.w SprFlags,X
    AND.b #!SPRFLAG_ANCHORED
    BNE .keep
    LDA.w SprXLo,X
    SEC : SBC.b CameraX
    STA.b Scratch0
    LDA.w SprXHi,X
    SBC.b CameraX+1
    STA.b Scratch1
    REP #$20
    LDA.b Scratch0
    CLC : ADC.w #64
    CMP.w #256+128
    SEP #$20
    BCC .keep
    STZ.w SprState,X
.keep
    RTS
}

; A dead creature leaves a drop of oil by its row's chance.
DropOil:
{
    JSR RowOffset
    JSL Rng_Next
    CMP.w Table+SpriteRow.Drop,Y
    BCS .nothing
    LDA.w SprXLo,X : STA.b Scratch0
    LDA.w SprXHi,X : STA.b Scratch1
    LDA.w SprYLo,X : STA.b Scratch2
    LDA.w SprYHi,X : STA.b Scratch3
    LDA.b #!TYPE_OIL_DROP
    JSL Spawn
.nothing
    RTS
}

; An oil drop lies for about four seconds and is worth sixteen drops.
UpdateOilDrop:
{
    INC.w SprMiscA,X
    BEQ .gone
    LDA.b #10
    JSR IsNear
    BCS .draw
    LDA.b #16
    JSL Lantern_AddOil
.gone
    STZ.w SprState,X
    RTS
.draw
    JSR SpriteDraw_Single
    RTS
}

; The Drowned Bell lives in bank $23; this is its door into the slot loop.
UpdateBell:
    JSL Bell_Update
    JSR SpriteDraw_Quad
    RTS

namespace off
