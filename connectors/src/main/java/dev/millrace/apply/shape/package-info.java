/// What the target's definition of a table is, and which tables may accept now what they refused.
@NullMarked
package dev.millrace.apply.shape;

import org.jspecify.annotations.NullMarked;
