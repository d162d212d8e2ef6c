"""65816 assembly: lexer, statements, instruction set,
registers and the console's hardware.
"""
