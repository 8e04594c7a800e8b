import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';

interface DialogProps {
  readonly isOpen: boolean;
  readonly title: string;
  /** Absent: it cannot be closed but by what is in it. */
  readonly close?: (() => void) | undefined;
  readonly children: ReactNode;
}

/** A window over the page that holds the focus. */
export function Dialog({ isOpen, title, close, children }: DialogProps) {
  const canClose = close !== undefined;
  return (
    <Modal
      opened={isOpen}
      onClose={close ?? (() => undefined)}
      title={title}
      withCloseButton={canClose}
      closeOnEscape={canClose}
      closeOnClickOutside={false}
      attributes={{ header: { role: 'presentation' } }}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {children}
    </Modal>
  );
}
