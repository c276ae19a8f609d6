/// A look into the changes and target topics: committed records only, by plain offsets, decoded. It
/// joins no group, commits nothing and moves nothing. What an operator asks for is printed with its
/// values.
@NullMarked
package dev.millrace.log;

import org.jspecify.annotations.NullMarked;
