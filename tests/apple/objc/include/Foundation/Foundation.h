// GNUstep's Foundation, with what macOS's has besides.
#pragma once

#include_next <Foundation/Foundation.h>
// GCC's are casts of 0, which ARC doesn't take for the null of any class.
#undef nil
#define nil __null
#undef Nil
#define Nil __null

#include <Foundation/process_info.h>
