; ============================================================================
; Battery RAM, bank $70. Three save slots of $100 bytes; the one in play is
; copied to slot 0. All access is long: SRAM is not mirrored.
; ============================================================================

SaveMagic     = $700000 ; 16-bit: $4B53 ("SK") when the slot holds a game
SaveChecksum  = $700002 ; 16-bit: sum of bytes $04-$FF of the slot

; StoryFlags: main quest
;   bit 0  keeper sworn in          bit 4  cistern drained
;   bit 1  north beacon lit         bit 5  Drowned Bell silenced
;   bit 2  ferryman paid            bit 6  great lens mended
;   bit 3  fog lifted               bit 7  ending seen
StoryFlags    = $700010

; BeaconFlags: one bit a beacon, 1 = burning
;   bit 0 north  bit 1 reef  bit 2 mill  bit 3 chapel  bit 4 wreck
BeaconFlags   = $700011

; ItemFlags: what the keeper owns
;   bit 0 lantern  bit 1 foghorn  bit 2 grapnel  bit 3 oars  bit 4 storm glass
ItemFlags     = $700012

; SideFlags: side quests
;   bit 0 gull's ring returned   bit 2 chapel bell rope
;   bit 1 crab race won          bit 3 log book complete
SideFlags     = $700013

HealthMax     = $700014 ; half hearts
Health        = $700015 ; half hearts
OilMax        = $700016 ; 16-bit: capacity in drops
Coins         = $700018 ; 16-bit: 0 to 999
NightCount    = $70001A ; 16-bit: nights served
LogPages      = $70001C ; 16-bit: one bit a page of the log, 12 pages
DungeonKeys   = $700020 ; 6 bytes: small keys by dungeon
DungeonMaps   = $700026 ; one bit a dungeon
KeeperName    = $700030 ; 8 characters, padded with spaces
RoomVisited   = $700040 ; 32 bytes, one bit a room

!SAVE_MAGIC     = $4B53
!SAVE_SLOT_SIZE = $0100

!STORY_SWORN    = $01
!STORY_NORTH    = $02
!STORY_FERRY    = $04
!STORY_FOG      = $08
!STORY_CISTERN  = $10
!STORY_BELL     = $20
!STORY_LENS     = $40
!STORY_ENDING   = $80

!ITEM_LANTERN   = $01
!ITEM_FOGHORN   = $02
!ITEM_GRAPNEL   = $04
!ITEM_OARS      = $08
!ITEM_GLASS     = $10

!SIDE_RING      = $01
!SIDE_CRAB_RACE = $02
!SIDE_ROPE      = $04
!SIDE_LOG_BOOK  = $08
