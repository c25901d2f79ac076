// Node-API over QuickJS: properties of objects and elements of arrays.
#include <algorithm>

#include "engine/env.h"

namespace {

napi_status done(napi_env env, int outcome) {
  return env->set(outcome < 0 ? napi_pending_exception : napi_ok);
}

/** An object for any value, as Node-API makes one of numbers, strings and the like. JS_EXCEPTION for undefined and null. */
JSValue object_for(JSContext* context, JSValueConst value) {
  if (JS_IsObject(value)) return JS_DupValue(context, value);
  if (JS_IsUndefined(value) || JS_IsNull(value))
    return JS_ThrowTypeError(context, "Cannot convert undefined or null to object");
  const JSValue global = JS_GetGlobalObject(context);
  const JSValue constructor = JS_GetPropertyStr(context, global, "Object");
  const JSValue object = JS_Call(context, constructor, JS_UNDEFINED, 1, &value);
  JS_FreeValue(context, constructor);
  JS_FreeValue(context, global);
  return object;
}

/** A property's name; what it names is looked up in `act`, whose answer is the status when nothing is wrong before. */
template <typename Act>
napi_status with_object(napi_env env, napi_value value, JSAtom name, Act act) {
  JSContext* context = env->context;
  if (name == JS_ATOM_NULL) return env->set(napi_generic_failure);
  const JSValue object = object_for(context, value_of(value));
  const napi_status status =
      JS_IsException(object) ? napi_object_expected : act(context, object, name);
  JS_FreeValue(context, object);
  JS_FreeAtom(context, name);
  return env->set(status);
}

/** A getter's exception is a failure of its own kind in Node-API; the exception is pending all the same. */
napi_status get(napi_env env, napi_value value, JSAtom name, napi_value* result) {
  return with_object(env, value, name, [&](JSContext* context, JSValueConst object, JSAtom at) {
    const JSValue found = JS_GetProperty(context, object, at);
    if (JS_IsException(found)) return napi_generic_failure;
    *result = env->keep(found);
    return napi_ok;
  });
}

/** Of an object that takes no such property nothing is said, as JavaScript does outside of strict code. */
napi_status set(napi_env env, napi_value value, JSAtom name, napi_value content) {
  return with_object(env, value, name, [&](JSContext* context, JSValueConst object, JSAtom at) {
    const JSValue owned = JS_DupValue(context, value_of(content));
    return JS_SetPropertyInternal(context, object, at, owned, object, 0) < 0 ? napi_invalid_arg
                                                                             : napi_ok;
  });
}

int flags_of(napi_property_attributes attributes) {
  int flags = JS_PROP_HAS_ENUMERABLE | JS_PROP_HAS_CONFIGURABLE;
  if (attributes & napi_enumerable) flags |= JS_PROP_ENUMERABLE;
  if (attributes & napi_configurable) flags |= JS_PROP_CONFIGURABLE;
  return flags;
}

/** A function for a property, undefined without a callback. It has no name in Node-API. */
napi_status function_for(napi_env env, const napi_property_descriptor& property,
                         napi_callback callback, napi_value* result) {
  if (callback == nullptr) return napi_get_undefined(env, result);
  return napi_create_function(env, "", 0, callback, property.data, result);
}

/** A property's name, given as bytes or as a string or symbol. JS_ATOM_NULL: as none of these. */
JSAtom name_of(napi_env env, const napi_property_descriptor& property) {
  if (property.utf8name != nullptr) return JS_NewAtom(env->context, property.utf8name);
  const bool is_name = property.name != nullptr && (JS_IsString(value_of(property.name)) ||
                                                    JS_IsSymbol(value_of(property.name)));
  return is_name ? JS_ValueToAtom(env->context, value_of(property.name)) : JS_ATOM_NULL;
}

napi_status define_one(napi_env env, JSValueConst object,
                       const napi_property_descriptor& property) {
  JSContext* context = env->context;
  int flags = flags_of(property.attributes);
  napi_value value = property.value, getter, setter;
  napi_get_undefined(env, &getter);
  setter = getter;
  napi_status status = napi_ok, refused = napi_invalid_arg;
  if (property.getter != nullptr || property.setter != nullptr) {
    status = function_for(env, property, property.getter, &getter);
    if (status == napi_ok) status = function_for(env, property, property.setter, &setter);
    if (property.getter != nullptr) flags |= JS_PROP_HAS_GET;
    if (property.setter != nullptr) flags |= JS_PROP_HAS_SET;
    value = getter;
  } else {
    flags |= JS_PROP_HAS_VALUE | JS_PROP_HAS_WRITABLE;
    if (property.attributes & napi_writable) flags |= JS_PROP_WRITABLE;
    if (property.method != nullptr) {
      refused = napi_generic_failure;
      status = function_for(env, property, property.method, &value);
    }
  }
  if (status != napi_ok) return status;
  CHECK_ARG(env, value);
  const JSAtom name = name_of(env, property);
  CHECK(env, name != JS_ATOM_NULL, napi_name_expected);
  // Not JS_PROP_THROW: that it is refused is said by the status alone. A proxy's exception is pending beside it.
  const int outcome = JS_DefineProperty(context, object, name, value_of(value), value_of(getter),
                                        value_of(setter), flags);
  JS_FreeAtom(context, name);
  return env->set(outcome > 0 ? napi_ok : refused);
}

}  // namespace

extern "C" {

napi_status napi_create_object(napi_env env, napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  return env->give(JS_NewObject(env->context), result);
}

napi_status napi_create_array(napi_env env, napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  return env->give(JS_NewArray(env->context), result);
}

napi_status napi_create_array_with_length(napi_env env, size_t length, napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  JSValue array = JS_NewArray(env->context);
  // Node takes an int; what is negative then is an empty array.
  const int size = std::max(static_cast<int>(length), 0);
  if (!JS_IsException(array) &&
      JS_SetPropertyStr(env->context, array, "length", JS_NewInt32(env->context, size)) < 0) {
    JS_FreeValue(env->context, array);
    array = JS_EXCEPTION;
  }
  return env->give(array, result);
}

napi_status napi_get_named_property(napi_env env, napi_value object, const char* name,
                                    napi_value* result) {
  ENTER(env);
  CHECK_ARG(env, object);
  CHECK_ARG(env, name);
  CHECK_ARG(env, result);
  return get(env, object, JS_NewAtom(env->context, name), result);
}

napi_status napi_set_named_property(napi_env env, napi_value object, const char* name,
                                    napi_value value) {
  ENTER(env);
  CHECK_ARG(env, object);
  CHECK_ARG(env, name);
  CHECK_ARG(env, value);
  return set(env, object, JS_NewAtom(env->context, name), value);
}

napi_status napi_get_property(napi_env env, napi_value object, napi_value key, napi_value* result) {
  ENTER(env);
  CHECK_ARG(env, key);
  CHECK_ARG(env, object);
  CHECK_ARG(env, result);
  return get(env, object, JS_ValueToAtom(env->context, value_of(key)), result);
}

napi_status napi_has_property(napi_env env, napi_value object, napi_value key, bool* result) {
  ENTER(env);
  CHECK_ARG(env, object);
  CHECK_ARG(env, key);
  CHECK_ARG(env, result);
  const JSAtom name = JS_ValueToAtom(env->context, value_of(key));
  return with_object(env, object, name, [&](JSContext* context, JSValueConst of, JSAtom at) {
    const int has = JS_HasProperty(context, of, at);
    *result = has > 0;
    return has < 0 ? napi_generic_failure : napi_ok;
  });
}

napi_status napi_is_array(napi_env env, napi_value value, bool* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, value);
  CHECK_ARG(env, result);
  *result = JS_IsArray(env->context, value_of(value)) == 1;
  return env->set(napi_ok);
}

napi_status napi_get_array_length(napi_env env, napi_value array, uint32_t* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, array);
  CHECK_ARG(env, result);
  CHECK(env, JS_IsArray(env->context, value_of(array)) == 1, napi_array_expected);
  const JSValue length = JS_GetPropertyStr(env->context, value_of(array), "length");
  const int outcome = JS_ToUint32(env->context, result, length);
  JS_FreeValue(env->context, length);
  return done(env, outcome);
}

napi_status napi_get_element(napi_env env, napi_value object, uint32_t index, napi_value* result) {
  ENTER(env);
  CHECK_ARG(env, object);
  CHECK_ARG(env, result);
  return get(env, object, JS_NewAtomUInt32(env->context, index), result);
}

napi_status napi_set_element(napi_env env, napi_value object, uint32_t index, napi_value value) {
  ENTER(env);
  CHECK_ARG(env, object);
  CHECK_ARG(env, value);
  return set(env, object, JS_NewAtomUInt32(env->context, index), value);
}

napi_status napi_define_properties(napi_env env, napi_value value, size_t count,
                                   const napi_property_descriptor* properties) {
  ENTER(env);
  CHECK(env, count == 0 || properties != nullptr, napi_invalid_arg);
  CHECK_ARG(env, value);
  const JSValue object = object_for(env->context, value_of(value));
  CHECK(env, !JS_IsException(object), napi_object_expected);
  napi_status status = napi_ok;
  for (size_t at = 0; at < count && status == napi_ok; at++)
    status = define_one(env, object, properties[at]);
  JS_FreeValue(env->context, object);
  return env->set(status);
}

}  // extern "C"
