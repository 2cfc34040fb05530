// Stands in for macOS's Foundation where sources are only compiled and linked: what the product
// uses of it, in declarations of our own. Its classes' symbols come from a text stub.
#pragma once

#include <stdint.h>

typedef long NSInteger;
typedef unsigned long NSUInteger;
typedef bool BOOL;  // as on Apple's ARM processors

@class NSString;

@protocol NSObject
@end

__attribute__((objc_root_class))
@interface NSObject<NSObject>
+ (instancetype)alloc;
- (instancetype)init;
@end

@interface NSString : NSObject
@end

@interface NSProcessInfo : NSObject
+ (NSProcessInfo*)processInfo;
@end

#include "process_info.h"
