// Stands in for macOS's Foundation where sources are only compiled and linked: what the product
// uses of it, in declarations of our own. Its classes' symbols come from a text stub.
#pragma once

#include <objc/objc.h>
#include <stdint.h>

typedef long NSInteger;
typedef unsigned long NSUInteger;

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

typedef uint64_t NSActivityOptions;
enum : NSActivityOptions {
  NSActivityUserInitiated = 0x00ffffff,
  NSActivityLatencyCritical = 0xff00000000,
};

@interface NSProcessInfo : NSObject
+ (NSProcessInfo*)processInfo;
- (id<NSObject>)beginActivityWithOptions:(NSActivityOptions)options reason:(NSString*)reason;
@end

#include <Foundation/process_info.h>
