"""The proxy: other agents get the policy with the skills of this home, in the APIs that they speak."""
