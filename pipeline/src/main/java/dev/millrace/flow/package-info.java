/// The operator's hand on the flow: what is paused or limited, by whom and why.
@NullMarked
package dev.millrace.flow;

import org.jspecify.annotations.NullMarked;
