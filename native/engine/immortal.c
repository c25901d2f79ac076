/* The engine, whose counts scripts/engine-counts.mjs has replaced by those of immortal.h, and what needs its structures. */
#include "quickjs.c"

uintptr_t js_immortal_end;

/* Makes what the engine would make at its first use, of what belongs to its own objects: functions, and exports of modules. */
static void make_all_properties(JSContext* context) {
  struct list_head* place;
  /* New objects come to the end of the list. */
  list_for_each(place, &context->rt->gc_obj_list) {
    JSObject* object = (JSObject*)list_entry(place, JSGCObjectHeader, link);
    if (object->header.gc_obj_type != JS_GC_OBJ_TYPE_JS_OBJECT) continue;
    for (int at = 0; at < object->shape->prop_count; at++) {
      JSShapeProperty* name = &get_shape_prop(object->shape)[at];
      JSProperty* property = &object->prop[at];
      if ((name->flags & JS_PROP_TMASK) != JS_PROP_AUTOINIT) continue;
      /* Prototypes of functions that are no constructors are never asked for. */
      if (js_autoinit_get_id(property) == JS_AUTOINIT_ID_PROTOTYPE) continue;
      if (JS_AutoInitProperty(context, object, name->atom, property, name) < 0) abort();
    }
  }
}

/* Room for names that only a command knows, so that it need not copy the table of all names for them. */
static void make_room_for_names(JSContext* context) {
  enum { ROOM = 1000 };
  static JSAtom names[ROOM];
  char name[16];
  for (int at = 0; at < ROOM; at++) {
    snprintf(name, sizeof name, "room %d", at);
    names[at] = JS_NewAtom(context, name);
  }
  for (int at = ROOM; at > 0; at--) JS_FreeAtom(context, names[at - 1]);
}

void js_prepare_for_immortality(JSContext* context) {
  make_all_properties(context);
  make_room_for_names(context);
}

/*
 * Takes all objects that there are out of garbage collection: what they refer to counts as used. Their own counts are so high that
 * it never takes them for garbage when it follows references to them.
 */
void js_forget_garbage(JSRuntime* runtime) {
  struct list_head *place, *next;
  list_for_each_safe(place, next, &runtime->gc_obj_list) {
    list_entry(place, JSGCObjectHeader, link)->ref_count += JS_IMMORTAL_COUNT;
    init_list_head(place);
  }
  init_list_head(&runtime->gc_obj_list);
}
