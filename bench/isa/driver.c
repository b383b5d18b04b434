// A Vulkan driver in front of Mesa's for AMD GPUs, which compiles for GPUs that are not in the machine but cannot
// record commands for them. So vkBeginCommandBuffer, which Dawn calls once for a new device, does nothing and succeeds.
// DRIVER in the environment is the library of Mesa's driver.
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef void (*Function)(void);
typedef Function (*Lookup)(void *, const char *);

static Function of_driver(const char *name) {
  static void *library;
  if (!library) library = dlopen(getenv("DRIVER"), RTLD_NOW);
  if (!library) abort();
  return (Function)dlsym(library, name);
}

static int succeed(void) { return 0; }

static Lookup device_lookup;

static Function replaced(const char *name, Function found) {
  return found && !strcmp(name, "vkBeginCommandBuffer") ? (Function)succeed : found;
}

static Function device_function(void *device, const char *name) { return replaced(name, device_lookup(device, name)); }

Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
  Function found = ((Lookup)of_driver("vk_icdGetInstanceProcAddr"))(instance, name);
  if (!found || strcmp(name, "vkGetDeviceProcAddr")) return replaced(name, found);
  device_lookup = (Lookup)found;
  return (Function)device_function;
}

Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
  return ((Lookup)of_driver("vk_icdGetPhysicalDeviceProcAddr"))(instance, name);
}

int vk_icdNegotiateLoaderICDInterfaceVersion(unsigned *version) {
  return ((int (*)(unsigned *))of_driver("vk_icdNegotiateLoaderICDInterfaceVersion"))(version);
}
