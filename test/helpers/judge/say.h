// How the program for tests says in JavaScript what the executable's Node-API has not.
#pragma once
#include <initializer_list>

#include "engine/env.h"

/** Keeps what a function, given as its source, returns for the values; each of them must be there. */
napi_status say(napi_env env, const char* source, std::initializer_list<napi_value> values,
                napi_value* result);
/** The same for questions. */
napi_status ask(napi_env env, const char* source, std::initializer_list<napi_value> values,
                bool* result);
/** A number for JavaScript, in the scope that is open; of pointers too. */
template <typename T>
napi_value number_of(napi_env env, T value) {
  napi_value result = nullptr;
  napi_create_double(env, static_cast<double>(value), &result);
  return result;
}
