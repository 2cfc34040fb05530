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
+ (Class)class;
- (instancetype)init;
- (BOOL)isKindOfClass:(Class)aClass;
@end

@interface NSString : NSObject
+ (instancetype)stringWithUTF8String:(const char*)nullTerminatedCString;
@property(readonly) const char* UTF8String;
@end

@interface NSNumber : NSObject
+ (NSNumber*)numberWithLong:(long)value;
@property(readonly) long longValue;
@end

typedef struct {
  unsigned long state;
  id __unsafe_unretained* itemsPtr;
  unsigned long* mutationsPtr;
  unsigned long extra[5];
} NSFastEnumerationState;
@protocol NSFastEnumeration
- (NSUInteger)countByEnumeratingWithState:(NSFastEnumerationState*)state
                                  objects:(id __unsafe_unretained[])buffer
                                    count:(NSUInteger)len;
@end

@interface NSArray<ObjectType> : NSObject <NSFastEnumeration>
+ (instancetype)array;
@end
@interface NSMutableArray<ObjectType> : NSArray <ObjectType>
- (void)addObject:(ObjectType)anObject;
@end

@interface NSDictionary<KeyType, ObjectType> : NSObject
+ (instancetype)dictionary;
- (ObjectType)objectForKey:(KeyType)aKey;
@end
@interface NSMutableDictionary<KeyType, ObjectType> : NSDictionary <KeyType, ObjectType>
- (void)setObject:(ObjectType)anObject forKey:(KeyType)aKey;
@end

@interface NSSet<ObjectType> : NSObject
@end

@interface NSURL : NSObject
+ (NSURL*)fileURLWithPath:(NSString*)path;
@property(readonly) NSString* path;
@end

@interface NSError : NSObject
@property(readonly) NSString* localizedDescription;
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
