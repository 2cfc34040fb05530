// Where GNUstep's headers look for the functions of blocks: libBlocksRuntime's.
#pragma once

#include <Block.h>
