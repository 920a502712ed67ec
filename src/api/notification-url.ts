// Where webhooks go, as callers write it. Used by the APIs that take such an address.
import { z } from 'zod';

export const notificationUrl = z
  .string()
  .max(4096)
  .refine((value) => /^https?:\/\//i.test(value) && URL.canParse(value) && value.isWellFormed(), {
    error: 'an http or https URL',
  });
