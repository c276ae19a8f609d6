/// Who may use the service: the section `access` of the file.
@NullMarked
package dev.millrace.spec.access;

import org.jspecify.annotations.NullMarked;
