package org.objmapper.bench;

/** One of the two that a row compares: measured again and again, in turn with the other. */
interface Side {
    Sample measure(Lab lab) throws Exception;
}
