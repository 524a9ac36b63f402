#include <string.h>

#include "breaker.h"

int breaker_allows(struct breaker *breaker, double now)
{
	if (breaker->is_open && now < breaker->next_trial)
		return 0;
	breaker->next_trial = now + BREAKER_TRIAL_SECONDS;
	return 1;
}

static void count_in_window(struct breaker *breaker, int has_failed)
{
	unsigned char *place = &breaker->failed[breaker->calls++ % BREAKER_WINDOW];

	breaker->failures -= *place;
	*place = has_failed != 0;
	breaker->failures += *place;
}

void breaker_count(struct breaker *breaker, int has_failed, double now)
{
	if (!has_failed && breaker->is_open)
		memset(breaker, 0, sizeof *breaker);
	count_in_window(breaker, has_failed);
	breaker->in_a_row = has_failed ? breaker->in_a_row + 1 : 0;
	int is_bad = breaker->in_a_row >= BREAKER_IN_A_ROW || (breaker->calls >= BREAKER_WINDOW && breaker->failures >= BREAKER_IN_WINDOW);
	if (!is_bad || breaker->is_open)
		return;
	breaker->is_open = 1;
	breaker->next_trial = now + BREAKER_TRIAL_SECONDS;
}
