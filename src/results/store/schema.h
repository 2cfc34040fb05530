// schema.sql, built into the program.
#pragma once

namespace qb::store {

const char* schema_sql();

}  // namespace qb::store
