; Hardware registers, by the names in Nintendo's manual.

; ---- PPU, write
INIDISP = $2100 ; screen brightness (bits 0-3), forced blank (bit 7)
OBSEL   = $2101 ; sprite sizes and name base
OAMADDL = $2102 ; OAM word address, low
OAMADDH = $2103 ; OAM word address bit 8, priority rotation
OAMDATA = $2104 ; OAM data
BGMODE  = $2105 ; background mode and tile sizes
MOSAIC  = $2106 ; mosaic size (bits 4-7) and backgrounds (bits 0-3)
BG1SC   = $2107 ; BG1 tilemap base and size
BG3SC   = $2109 ; BG3 tilemap base and size
BG12NBA = $210B ; BG1 and BG2 tile base
BG1HOFS = $210D ; BG1 horizontal scroll, write twice
BG1VOFS = $210E ; BG1 vertical scroll, write twice
BG3VOFS = $2112 ; BG3 vertical scroll, write twice
VMAIN   = $2115 ; VRAM increment mode (bit 7: after the high byte)
VMADDL  = $2116 ; VRAM word address, low
VMADDH  = $2117 ; VRAM word address, high
VMDATAL = $2118 ; VRAM data, low
VMDATAH = $2119 ; VRAM data, high
CGADD   = $2121 ; palette index
CGDATA  = $2122 ; palette data, write twice
W12SEL  = $2123 ; window masks for BG1 and BG2
WOBJSEL = $2125 ; window masks for sprites and colour
WH0     = $2126 ; window 1 left
WH1     = $2127 ; window 1 right
TM      = $212C ; main screen layers
TS      = $212D ; sub screen layers
CGWSEL  = $2130 ; colour math, first control
CGADSUB = $2131 ; colour math, second control
COLDATA = $2132 ; fixed colour

; ---- Sound ports
APUIO0  = $2140 ; port 0: song number and handshake
APUIO1  = $2141 ; port 1: effect number, data byte while uploading
APUIO2  = $2142 ; port 2: target address, low
APUIO3  = $2143 ; port 3: target address, high

; ---- CPU
NMITIMEN = $4200 ; NMI (bit 7), IRQ (bits 4-5), auto joypad (bit 0)
WRMPYA   = $4202 ; multiplicand
WRMPYB   = $4203 ; multiplier, starts the multiplication (8 cycles)
WRDIVL   = $4204 ; dividend, low
WRDIVH   = $4205 ; dividend, high
WRDIVB   = $4206 ; divisor, starts the division (16 cycles)
MDMAEN   = $420B ; start general DMA, one bit a channel
HDMAEN   = $420C ; enable HDMA, one bit a channel
MEMSEL   = $420D ; bit 0: FastROM
RDNMI    = $4210 ; NMI flag, cleared by reading
HVBJOY   = $4212 ; bit 0: auto joypad read is busy
RDDIVL   = $4214 ; quotient, low
RDMPYL   = $4216 ; product or remainder, low
RDMPYH   = $4217 ; product or remainder, high
JOY1L    = $4218 ; joypad 1: A X L R
JOY1H    = $4219 ; joypad 1: B Y select start, directions

; ---- DMA channel 0; add $10 for each further channel
DMAP0   = $4300 ; direction and transfer pattern
BBAD0   = $4301 ; B-bus register
A1T0L   = $4302 ; source, low
A1T0H   = $4303 ; source, high
A1B0    = $4304 ; source bank
DAS0L   = $4305 ; size, low (HDMA: indirect address)
