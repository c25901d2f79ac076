// Room for the heap that the build makes, see heap.h: empty when linked, filled by objcopy.
.section .snapshot,"aw",@progbits
.global tsrun_heap, tsrun_heap_end
.balign 4096
tsrun_heap:
.space TSRUN_HEAP_SIZE
tsrun_heap_end:
.section .note.GNU-stack,"",@progbits
