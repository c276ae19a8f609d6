/// What a refusal offers beside its reason. The file's reader, the SELECT language and the service
/// ask here, so that a misspelt name is answered alike wherever it stands.
@NullMarked
package dev.millrace.hint;

import org.jspecify.annotations.NullMarked;
