#include "keyspace/key_table.h"

#include "containers/tag_table_impl.h"

namespace kvick {

template class TagTable<KeyKind>;

}  // namespace kvick
