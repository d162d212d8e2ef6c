"""The words of asar's language: mnemonics of the 65816, data directives,
structure directives.
"""

_MNEMONICS_WORDS = """
    adc and asl bcc bcs beq bit bmi bne bpl bra brk brl bvc bvs clc cld cli clv cmp cop
    cpx cpy dec dex dey eor inc inx iny jml jmp jsl jsr lda ldx ldy lsr mvn mvp nop ora
    pea pei per pha phb phd phk php phx phy pla plb pld plp plx ply rep rol ror rti rtl
    rts sbc sec sed sei sep sta stp stx sty stz tax tay tcd tcs tdc trb tsb tsc tsx txa
    txs txy tya tyx wai wdm xba xce
"""
MNEMONICS = frozenset(_MNEMONICS_WORDS.split())
DATA = {"db": 1, "dw": 2, "dl": 3, "dd": 4}
RETURNS = {"rts": "RTS", "rtl": "RTL", "rti": "RTI"}
CALLS = frozenset(("jsr", "jsl", "jml", "jmp"))
WRITES = frozenset(
    ("sta", "stx", "sty", "stz", "inc", "dec", "tsb", "trb", "asl", "lsr", "rol", "ror")
)
READS = frozenset(
    ("lda", "ldx", "ldy", "cmp", "cpx", "cpy", "bit", "ora", "and", "eor", "adc", "sbc")
)
_DIRECTIVE_WORDS = """
    arch asar assert align autoclean autoclear bank base check cleartable db dbr dd dl
    dpbase dw else elseif endfor endif endmacro endspcblock endstruct endwhile error
    exhirom exlorom fill fillbyte filldword filllong fillword for freecode freedata
    freespace freespacebyte fullsa1rom function global hirom if incbin include
    includefrom includeonce incsrc lorom macro math namespace norom optimize org pad
    padbyte paddword padlong padword print prot pullbase pullns pullpc pulltable
    pushbase pushns pushpc pushtable reset sa1rom segment sfxrom skip spcblock startpos
    stdtable struct table undef warn warnings warnpc while xkas
"""
DIRECTIVES = frozenset(_DIRECTIVE_WORDS.split())
"""Words that begin a statement of the assembler's own rather than an instruction."""
_ELSEWHERE_WORDS = """
    @asar @include bss code data debug dp endtable expecterror export fastrom import
    nested offset parallel pool stringsxpand superfxrom { }
"""
_SPC700_WORDS = """
    addw and1 bbc bbs call cbne clr1 clrc clrp cmpw daa das dbnz decw di div ei eor1
    incw mov mov1 movw mul not1 notc or or1 pcall pop push ret reti set1 setc setp
    sleep stop subw tcall tclr tset xcn
"""
OTHER = DIRECTIVES | frozenset(_ELSEWHERE_WORDS.split() + _SPC700_WORDS.split())
"""Words that are no instruction of the 65816: directives, those of other dialects, and
the instructions of the sound processor.
"""
REGISTERS = {
    0x2100: "INIDISP",
    0x2101: "OBSEL",
    0x2102: "OAMADDL",
    0x2103: "OAMADDH",
    0x2104: "OAMDATA",
    0x2105: "BGMODE",
    0x2106: "MOSAIC",
    0x2107: "BG1SC",
    0x2108: "BG2SC",
    0x2109: "BG3SC",
    0x210A: "BG4SC",
    0x210B: "BG12NBA",
    0x210C: "BG34NBA",
    0x210D: "BG1HOFS",
    0x210E: "BG1VOFS",
    0x210F: "BG2HOFS",
    0x2110: "BG2VOFS",
    0x2111: "BG3HOFS",
    0x2112: "BG3VOFS",
    0x2115: "VMAIN",
    0x2116: "VMADDL",
    0x2117: "VMADDH",
    0x2118: "VMDATAL",
    0x2119: "VMDATAH",
    0x211B: "M7A",
    0x211C: "M7B",
    0x2121: "CGADD",
    0x2122: "CGDATA",
    0x2123: "W12SEL",
    0x2124: "W34SEL",
    0x2125: "WOBJSEL",
    0x212C: "TM",
    0x212D: "TS",
    0x212E: "TMW",
    0x212F: "TSW",
    0x2130: "CGWSEL",
    0x2131: "CGADSUB",
    0x2132: "COLDATA",
    0x2134: "MPYL",
    0x2140: "APUIO0",
    0x2141: "APUIO1",
    0x2142: "APUIO2",
    0x2143: "APUIO3",
    0x2180: "WMDATA",
    0x4200: "NMITIMEN",
    0x4202: "WRMPYA",
    0x4203: "WRMPYB",
    0x4204: "WRDIVL",
    0x4206: "WRDIVB",
    0x420B: "MDMAEN",
    0x420C: "HDMAEN",
    0x4210: "RDNMI",
    0x4212: "HVBJOY",
    0x4214: "RDDIVL",
    0x4216: "RDMPYL",
    0x4218: "JOY1L",
    0x4219: "JOY1H",
}
"""Hardware registers by address, named as Nintendo's manual names them."""
