; ============================================================================
; Songs. A song is a list of patterns; a pattern has a pointer for each of the
; eight voices, 0 = silent. Notes: $80-$C7, C1 to B6; $C8 ties, $C9 rests;
; $01-$7F sets the length in ticks; $00 ends the voice.
; ============================================================================

!C3 = $98
!D3 = $9A
!E3 = $9C
!F3 = $9D
!G3 = $9F
!A3 = $A1
!B3 = $A3
!C4 = $A4
!TIE  = $C8
!REST = $C9
!INSTRUMENT = $E0
!TEMPO      = $E7
!END        = $00

; A bar of four equal notes.
macro bar(length, n1, n2, n3, n4)
    db <length>, <n1>, <n2>, <n3>, <n4>
endmacro

SongTable:
    dw $0000
    dw Song_Harbor          ; !SONG_HARBOR
    dw Song_Night           ; !SONG_NIGHT
    dw Song_Cistern         ; !SONG_CISTERN
    dw Song_Bell            ; !SONG_BELL

Song_Harbor:
    dw .pattern, $00FF, Song_Harbor
.pattern
    dw .melody, .bass, 0, 0, 0, 0, 0, 0
.melody
    db !TEMPO, $1A, !INSTRUMENT, $04
    %bar($18, !C3, !E3, !G3, !E3)
    %bar($18, !D3, !F3, !A3, !F3)
    %bar($18, !E3, !G3, !B3, !G3)
    %bar($30, !C4, !TIE, !G3, !TIE)
    db !END
.bass
    db !INSTRUMENT, $06, $60, !C3-12, !F3-12, !G3-12, !C3-12, !END

Song_Night:
    dw .pattern, $00FF, Song_Night
.pattern
    dw .pad, 0, .drop, 0, 0, 0, 0, 0
.pad
    db !TEMPO, $10, !INSTRUMENT, $09
    db $60, !A3-12, !TIE, !E3-12, !TIE, !END
.drop
    %bar($30, !REST, !E3, !REST, !REST)
    db !END

Song_Cistern:
    dw .pattern, $00FF, Song_Cistern
.pattern
    dw .drip, .hum, 0, 0, 0, 0, 0, 0
.drip
    db !TEMPO, $12, !INSTRUMENT, $02
    %bar($24, !B3, !REST, !REST, !E3)
    %bar($24, !REST, !B3, !REST, !REST)
    db !END
.hum
    db !INSTRUMENT, $09, $7F, !E3-24, !TIE, !END

Song_Bell:
    dw .pattern, $00FF, Song_Bell
.pattern
    dw .bell, .drum, 0, 0, 0, 0, 0, 0
.bell
    db !TEMPO, $22, !INSTRUMENT, $0B
    %bar($30, !D3, !REST, !A3-12, !REST)
    %bar($18, !D3, !D3, !F3, !A3-12)
    db !END
.drum
    %bar($18, !C3-24, !REST, !C3-24, !C3-24)
    db !END

; Tick lengths of the seven tempos the menu of version 1.0 offered; unused.
TempoPresets:
    db $0C, $10, $14, $18, $1C, $22, $2A
