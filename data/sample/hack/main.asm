; ============================================================================
; Keeper of Saltmere
; A lighthouse-keeper adventure built on the "Harbor Tales" engine (1 MB LoROM).
;
; This file only places the modules. One bank, one concern:
;   $20 Core       frame loop, NMI, video queues, tide, clock, saving
;   $21 Sprites    the sprite engine and every creature
;   $22 Menu       satchel menu and the message box
;   $23 Dungeons   rooms, doors, sluices, the Drowned Bell
;   $24 Overworld  areas, weather, beacons
;   $25 Items      lantern, foghorn, grapnel, oil, rowboat
;   $26 Music      sound driver upload, song and effect tables
;
; Build:  asar main.asm saltmere.sfc
; ============================================================================

lorom

!VERSION_MAJOR = 1
!VERSION_MINOR = 3
!DEBUG         = 0        ; 1 = enable the tide and warp keys in Core/debug.asm

incsrc "Util/constants.asm"
incsrc "Util/functions.asm"
incsrc "Util/macros.asm"
incsrc "Core/registers.asm"
incsrc "Core/ram.asm"
incsrc "Core/sram.asm"
incsrc "Util/structs.asm"
incsrc "Core/vanilla.asm"

; ---------------------------------------------------------------- bank $20
org $208000
incsrc "Core/init.asm"
incsrc "Core/nmi.asm"
incsrc "Core/vram_queue.asm"
incsrc "Core/joypad.asm"
incsrc "Core/hdma.asm"
incsrc "Core/tide.asm"
incsrc "Core/clock.asm"
incsrc "Core/save.asm"
incsrc "Util/math.asm"
if !DEBUG == 1
    incsrc "Core/debug.asm"
endif
assert pc() <= $20FFFF, "Core does not fit in bank $20"

; ---------------------------------------------------------------- bank $21
org $218000
incsrc "Sprites/sprite_core.asm"
incsrc "Sprites/sprite_draw.asm"
incsrc "Sprites/gull.asm"
incsrc "Sprites/lamp_moth.asm"
incsrc "Sprites/shore_crab.asm"
incsrc "Sprites/fog_wraith.asm"
incsrc "Sprites/ferryman.asm"
assert pc() <= $21FFFF, "Sprites do not fit in bank $21"

; ---------------------------------------------------------------- bank $22
org $228000
incsrc "Menu/menu.asm"
incsrc "Menu/menu_draw.asm"
incsrc "Menu/message.asm"
incsrc "Menu/message_data.asm"

; ---------------------------------------------------------------- bank $23
org $238000
incsrc "Dungeons/rooms.asm"
incsrc "Dungeons/sluice.asm"
incsrc "Dungeons/drowned_bell.asm"

; ---------------------------------------------------------------- bank $24
org $248000
incsrc "Overworld/overworld.asm"
incsrc "Overworld/weather.asm"
incsrc "Overworld/beacons.asm"
incsrc "Overworld/ledger.asm"
incsrc "Overworld/actions.asm"
incsrc "Overworld/side_quests.asm"

; ---------------------------------------------------------------- bank $25
org $258000
incsrc "Items/item_core.asm"
incsrc "Items/lantern.asm"
incsrc "Items/foghorn.asm"
incsrc "Items/grapnel.asm"
incsrc "Items/rowboat.asm"

; ---------------------------------------------------------------- bank $26
org $268000
incsrc "Music/driver.asm"
incsrc "Music/songs.asm"

; Hooks come last: by now every label they jump to is known.
incsrc "Core/hooks.asm"

print "Keeper of Saltmere !VERSION_MAJOR.!VERSION_MINOR assembled, ", bytes, " bytes"
