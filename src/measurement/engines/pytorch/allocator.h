// The memory that PyTorch's tensors come from.
#pragma once

namespace qb::pytorch {

// Freed tensors stay with the process. By itself the system's allocator gives large ones back and
// takes them anew at each run: page faults that cost a classifier half of its time. PyTorch's
// tuning guide recommends an allocator that keeps them; a server's process would have one.
// Gives what allocates, in words. Once is enough.
const char* keep_freed_memory();

// While a network is compiled: what was freed goes back to the system. Between packed weights,
// which stay, lie the holes of what they were packed from.
void give_back_freed_memory();

}  // namespace qb::pytorch
