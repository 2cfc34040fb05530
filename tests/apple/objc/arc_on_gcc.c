/* Objective-C with ARC over GCC's runtime library, for tests on Linux.

   clang compiles ARC for GNUstep's own runtime (-fobjc-runtime=gnustep-1.7), which Debian doesn't
   have. Its tables are those of GCC's runtime with additions at their ends, so two things are
   missing: at load, tables must look as GCC's runtime expects them (__objc_exec_class, which the
   linker wraps); at run time, the functions that ARC calls must be there. Not here, so that its use
   doesn't link: __weak, and @catch in Objective-C++ (catch (...) sees an NSException). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct objc_class* Class;
typedef struct objc_object {
  Class isa;
}* id;
typedef struct objc_selector* SEL;
typedef id (*IMP)(id, SEL);

extern Class objc_getClass(const char* name);
extern SEL sel_registerName(const char* name);
extern IMP objc_msg_lookup(id receiver, SEL selector);

static id send(id receiver, const char* name) {
  if (!receiver) return receiver;
  const SEL selector = sel_registerName(name);
  return objc_msg_lookup(receiver, selector)(receiver, selector);
}

/* ---- What the compiler wrote of a source file, as it reaches the runtime at load. ---- */

struct ivar {
  const char *name, *type;
  int offset;
};
struct ivar_list {
  int count;
  struct ivar items[];
};
struct protocol_list;
struct protocol {
  uintptr_t version; /* the runtime puts the class Protocol here */
  const char* name;
  struct protocol_list* protocols;
};
struct protocol_list {
  struct protocol_list* next;
  unsigned long count;
  struct protocol* items[];
};
struct objc_class {
  Class isa;
  const char* super_name; /* before it is loaded; then the class itself */
  const char* name;
  long version;
  unsigned long info;
  long instance_size;
  struct ivar_list* ivars;
  void *methods, *dispatch_table;
  Class subclasses, sibling;
  struct protocol_list* protocols;
  void* garbage_collection;
  /* From here on unknown to GCC's runtime. */
  long abi;
  int** ivar_offsets; /* the variables by which compiled code finds instance variables */
};
struct symbol_table {
  unsigned long selector_count;
  void* selectors;
  unsigned short class_count, category_count;
  void* definitions[];
};
struct module {
  unsigned long version, size;
  const char* name;
  struct symbol_table* symbols;
};

enum { gcc_module_version = 8, gcc_protocol_version = 2, clang_protocol_version = 3 };

static void fix_protocols(struct protocol_list* list) {
  for (; list; list = list->next)
    for (unsigned long i = 0; i < list->count; ++i) {
      struct protocol* protocol = list->items[i];
      if (!protocol || protocol->version != clang_protocol_version) continue;
      protocol->version = gcc_protocol_version;
      fix_protocols(protocol->protocols);
    }
}

static Class find_unloaded(const struct symbol_table* symbols, const char* name) {
  for (int i = 0; i < symbols->class_count; ++i) {
    const Class one = symbols->definitions[i];
    if (strcmp(one->name, name) == 0) return one;
  }
  return NULL;
}

/* clang leaves it to load how large the superclass is: it counts instance variables from 0 and
   writes the size that they add as a negative number. */
static void lay_out(const struct symbol_table* symbols, Class one) {
  if (one->instance_size > 0) return;
  long super_size = 0;
  if (one->super_name) {
    Class super = find_unloaded(symbols, one->super_name);
    if (super)
      lay_out(symbols, super);
    else
      super = objc_getClass(one->super_name);
    if (!super) {
      fprintf(stderr, "arc_on_gcc: %s is loaded before its superclass %s\n", one->name,
              one->super_name);
      abort();
    }
    super_size = super->instance_size;
  }
  const long shift = (super_size + 7) & ~7L;
  for (int i = 0; one->ivars && i < one->ivars->count; ++i) {
    one->ivars->items[i].offset += (int)shift;
    if (one->ivar_offsets) *one->ivar_offsets[i] = one->ivars->items[i].offset;
  }
  one->instance_size = shift - one->instance_size;
}

extern void __real___objc_exec_class(struct module*);
void __wrap___objc_exec_class(struct module* module) {
  module->version = gcc_module_version;
  module->size = sizeof(struct module);
  const struct symbol_table* symbols = module->symbols;
  for (int i = 0; symbols && i < symbols->class_count; ++i) {
    const Class one = symbols->definitions[i];
    fix_protocols(one->protocols);
    lay_out(symbols, one);
  }
  __real___objc_exec_class(module);
}

/* ---- Reference counting. Blocks of libBlocksRuntime are no objects and have functions of their
 * own. */

extern void* _Block_copy(const void*);
extern void _Block_release(const void*);
extern void *_NSConcreteStackBlock[], *_NSConcreteMallocBlock[], *_NSConcreteGlobalBlock[];

static int is_block(id object) {
  if (!object) return 0;
  const void* isa = object->isa;
  return isa == _NSConcreteStackBlock || isa == _NSConcreteMallocBlock ||
         isa == _NSConcreteGlobalBlock;
}

id objc_retain(id object) {
  return is_block(object) ? _Block_copy(object) : send(object, "retain");
}
void objc_release(id object) {
  if (!is_block(object))
    send(object, "release");
  else if ((void*)object->isa == _NSConcreteMallocBlock)
    _Block_release(object);
}
id objc_retainBlock(id block) { return block ? _Block_copy(block) : block; }
id objc_autorelease(id object) { return is_block(object) ? object : send(object, "autorelease"); }
id objc_retainAutorelease(id object) { return objc_autorelease(objc_retain(object)); }
id objc_autoreleaseReturnValue(id object) { return objc_autorelease(object); }
id objc_retainAutoreleaseReturnValue(id object) { return objc_retainAutorelease(object); }
id objc_retainAutoreleasedReturnValue(id object) { return objc_retain(object); }
id objc_unsafeClaimAutoreleasedReturnValue(id object) { return object; }
void objc_storeStrong(id* where, id object) {
  const id old = *where;
  *where = objc_retain(object);
  objc_release(old);
}
void* objc_autoreleasePoolPush(void) {
  return send(send((id)objc_getClass("NSAutoreleasePool"), "alloc"), "init");
}
void objc_autoreleasePoolPop(void* pool) { send(pool, "release"); }

/* ---- Messages, classes and exceptions by the names that clang calls them. ---- */

struct objc_super;
extern IMP objc_msg_lookup_super(struct objc_super*, SEL);
struct slot {
  Class owner, cached_for;
  const char* types;
  int version;
  IMP method;
};
static _Thread_local struct slot found;
struct slot* objc_msg_lookup_sender(id* receiver, SEL selector, id sender) {
  (void)sender;
  found.method = objc_msg_lookup(*receiver, selector);
  return &found;
}
struct slot* objc_slot_lookup_super(struct objc_super* super, SEL selector) {
  found.method = objc_msg_lookup_super(super, selector);
  return &found;
}
Class objc_lookup_class(const char* name) { return objc_getClass(name); }

extern int __gxx_personality_v0(int, int, uint64_t, void*, void*);
int __gnustep_objcxx_personality_v0(int version, int actions, uint64_t kind, void* exception,
                                    void* context) {
  return __gxx_personality_v0(version, actions, kind, exception, context);
}
int __gnustep_objc_personality_v0(int version, int actions, uint64_t kind, void* exception,
                                  void* context) {
  return __gxx_personality_v0(version, actions, kind, exception, context);
}
