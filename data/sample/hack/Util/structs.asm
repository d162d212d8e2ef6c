; Layouts that code reads by field name.

; One OAM entry in OamBuffer.
struct Oam $7E0200
    .X:    skip 1          ; x, low eight bits
    .Y:    skip 1          ; y; $F0 hides the entry
    .Tile: skip 1
    .Prop: skip 1          ; vhoopppc
endstruct

; One row of SpriteTable, see the sprite_row macro.
struct SpriteRow $000000
    .Health: skip 1
    .Flags:  skip 1
    .Drop:   skip 1
    .Unused: skip 1
    .Update: skip 2
endstruct

; One row of RoomHeaders in Dungeons/rooms.asm.
struct RoomHeader $000000
    .Song:   skip 1
    .Flags:  skip 1        ; start value of RoomFlags
    .Water:  skip 2        ; start value of RoomWater
    .Doors:  skip 1        ; start value of DoorMask
    .Tiles:  skip 3        ; address of the packed layout
endstruct
