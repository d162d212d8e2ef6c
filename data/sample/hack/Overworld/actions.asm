; ============================================================================
; Action tiles: what the A button does where the keeper stands. The base game
; finds the tile and comes here with its action number.
; ============================================================================

!ACTION_COUNT = 11

; Action_Use
; Entry: A = action 0-10, Y = argument of the tile (beacon, door, page, seconds).
Action_Use:
{
    PHP
    %ai8()
    %own_bank()
    CMP.b #!ACTION_COUNT
    BCS .unknown
    ASL A
    TAX
    TYA
    JSR (Action_Table,X)
.unknown
    PLB
    PLP
    RTL
}

; The routines live in other banks or end in RTL, so each has a two-line door.
Action_Table:
    dw .sign, .mend, .light, .beacon, .wheel
    dw .chest, .door, .page, .race, .ring, .rope

.sign
    JSL Ledger_Sign
    RTS
.mend
    JSL Ledger_MendLens
    RTS
.ring
    JSL Side_ReturnRing
    RTS
.rope
    JSL Side_MendRope
    RTS
.light
    JSL Ledger_LightLens
    RTS
.beacon
    JSL Beacon_TryLight
    RTS
.wheel
    JSL Sluice_TurnWheel
    RTS
.chest
    JSL Room_OpenChest
    RTS
.door
    JSL Room_OpenDoor
    RTS
.page
    JSL Side_FindPage
    RTS
.race
    JSL Side_FinishRace
    RTS
